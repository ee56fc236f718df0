"""Sound of an output: which track of the input, and its AAC encoding."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
import av.error
import numpy as np

from localaws.mediaconvert.exceptions import NoAudioError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from av.audio.stream import AudioStream
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet

    from localaws.mediaconvert.outputs import AudioSettings

AAC_FRAME = 1024
"""Samples of a channel in one AAC frame."""

MIN_GAP = Fraction(1, 10)
"""Seconds without sound that become silence; less is the container's rounding."""


def find_track(container: InputContainer, given: Mapping[str, Any], source: str) -> AudioStream | None:
    """The audio track that an output's `AudioSourceName` means in one input.

    "If an input does not have an Audio Selector 3, then the audio selector marked as default in that input
    will be used. If there is no audio selector marked as default, silence will be inserted" (service model,
    `AudioDescription.AudioSourceName`).

    Args:
        container: The opened input.
        given: The job's `Input`.
        source: Name of the audio selector.

    Returns:
        The track, or None for silence.

    Raises:
        SettingsError: if no input selects audio at all (1040).
        NoAudioError: if a selector is marked DEFAULT and the input has no track for it (1021).
    """
    selectors = given.get("AudioSelectors", {})
    if not selectors:
        message = "Invalid selector_sequence_id [0] specified for audio_description [1]."
        raise SettingsError(message)
    track = _select(container, selectors[source]) if source in selectors else None
    if track is not None:
        return track
    fallback = [name for name, s in selectors.items() if s.get("DefaultSelection") == "DEFAULT"]
    if not fallback:
        return None
    track = _select(container, selectors[fallback[0]])
    if track is None:
        message = f"No audio frames decoded on [selector-({fallback[0]})] of input [{given['FileInput']}]"
        raise NoAudioError(message)
    return track


def _select(container: InputContainer, selector: Mapping[str, Any]) -> AudioStream | None:
    tracks = list(container.streams.audio)
    language = selector.get("LanguageCode") or selector.get("CustomLanguageCode")
    if selector.get("Tracks"):
        number = selector["Tracks"][0]
        return tracks[number - 1] if number <= len(tracks) else None
    if selector.get("Pids"):
        return next((track for track in tracks if track.id in selector["Pids"]), None)
    if language:
        return next((t for t in tracks if (t.language or "").lower() == language.lower()), None)
    return tracks[0] if tracks else None


class AacTrack:
    """One AAC track of an output, fed with packets of the inputs in turn.

    Args:
        container: The output.
        settings: Bit rate, sample rate and channels.
        mux: Takes the encoded packets.
    """

    def __init__(
        self, container: OutputContainer, settings: AudioSettings, mux: Callable[[Packet[Any]], None]
    ) -> None:
        self._mux = mux
        self._settings = settings
        self._stream = container.add_stream("aac", rate=settings.sample_rate)
        self._stream.codec_context.layout = settings.layout
        self._stream.codec_context.bit_rate = settings.bitrate
        self._samples = 0  # of each channel, written to the queue so far
        self._encoded = 0  # of these, encoded
        self._queue = av.AudioFifo()
        self._resampler = self._new_resampler()
        self.source_name = settings.source
        self.source: AudioStream | None = None

    def begin_input(self, source: AudioStream | None) -> None:
        """Sound now comes from this track; None is silence."""
        self._resampler = self._new_resampler()
        self.source = source

    def feed(self, packet: Packet[Any], begin: Fraction, end: Fraction | None, offset: Fraction) -> None:
        """Encodes what a packet holds of a clip.

        Args:
            packet: Of the source track.
            begin: Seconds into the input where the clip begins.
            end: Where it ends, or None.
            offset: Where the clip stands in the output, in seconds.
        """
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            return  # a damaged packet costs its own sound, not the job
        for frame in frames:
            if not isinstance(frame, av.AudioFrame) or frame.pts is None or frame.time_base is None:
                continue
            seconds = frame.pts * frame.time_base
            if seconds < begin or (end is not None and seconds >= end):
                continue
            gap = offset + seconds - begin - Fraction(self._samples, self._settings.sample_rate)
            if gap > MIN_GAP:
                self._silence(gap)
            self._write(self._resampler.resample(frame))

    def end_input(self, until: Fraction) -> None:
        """The clip ends at `until` seconds of the output: missing sound becomes silence."""
        self._write(self._resampler.resample(None))
        self._silence(until - Fraction(self._samples, self._settings.sample_rate))

    def finish(self) -> None:
        """Encodes and hands on what is still held."""
        self._encode(self._queue.read(0, partial=True))
        for packet in self._stream.encode(None):
            self._mux(packet)

    def _new_resampler(self) -> av.AudioResampler:
        return av.AudioResampler("fltp", self._settings.layout, self._settings.sample_rate)

    def _silence(self, seconds: Fraction) -> None:
        channels = av.AudioLayout(self._settings.layout).nb_channels
        missing = int(seconds * self._settings.sample_rate)
        while missing > 0:
            samples = min(missing, AAC_FRAME)
            frame = av.AudioFrame.from_ndarray(
                np.zeros((channels, samples), np.float32), "fltp", self._settings.layout
            )
            frame.sample_rate = self._settings.sample_rate
            self._write([frame])
            missing -= samples

    def _write(self, frames: list[av.AudioFrame]) -> None:
        for frame in frames:
            frame.pts = None  # the output's own count of samples tells the time
            self._samples += frame.samples
            self._queue.write(frame)
            while self._queue.samples >= AAC_FRAME:
                self._encode(self._queue.read(AAC_FRAME))

    def _encode(self, frame: av.AudioFrame | None) -> None:
        if frame is None:
            return
        frame.pts = self._encoded
        frame.time_base = Fraction(1, self._settings.sample_rate)
        self._encoded += frame.samples
        for packet in self._stream.encode(frame):
            self._mux(packet)
