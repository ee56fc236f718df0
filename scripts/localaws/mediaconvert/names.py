"""Names of what a job writes.

Base + name modifier + (frame captures only) `.` and a seven-digit index from zero + `.` + extension. The base
is what stands after the last `/` of the destination, or, where the destination ends in `/`, the file name of
the first input without its extension (service model, `FileGroupSettings.Destination`,
`FrameCaptureSettings.FramerateNumerator`, `Output.Extension`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from localaws.mediaconvert.exceptions import SettingsError

FRAME_DIGITS = 7

DEFAULT_EXTENSIONS = {"MP4": "mp4", "MOV": "mov", "RAW": "jpg"}


@dataclass(frozen=True, slots=True)
class S3Uri:
    """An object, or a prefix, in S3."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> S3Uri:
        """Takes `s3://bucket/key` apart; the key may be empty.

        Raises:
            SettingsError: if it is another kind of address.
        """
        scheme, _, rest = uri.partition("://")
        bucket, _, key = rest.partition("/")
        if scheme.lower() != "s3" or not bucket:
            message = f"Only s3:// addresses are read and written here, not [{uri}]."
            raise SettingsError(message)
        return cls(bucket, key)

    def __str__(self) -> str:
        """The address, `s3://bucket/key`."""
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class OutputName:
    """How the objects of one output are called."""

    bucket: str
    stem: str  # the key without frame index and extension
    extension: str

    @classmethod
    def of(cls, *, destination: str, first_input: str, modifier: str, extension: str) -> OutputName:
        """Derives an output's name from its group's destination.

        Args:
            destination: The group's `Destination`, `s3://bucket/prefix/` or `s3://bucket/prefix/base`; empty
                for the folder of the first input.
            first_input: The first input's `FileInput`.
            modifier: The output's `NameModifier`, or an empty string.
            extension: The extension without its dot.
        """
        source = S3Uri.parse(first_input)
        target = S3Uri.parse(destination) if destination else _folder(source)
        base = target.key
        if not base or base.endswith("/"):
            base += PurePosixPath(source.key).stem
        return cls(target.bucket, base + modifier, extension)

    def file(self) -> S3Uri:
        """The one object of an output that is a single file."""
        return S3Uri(self.bucket, f"{self.stem}.{self.extension}")

    def frame(self, index: int) -> S3Uri:
        """The object of one captured frame.

        Args:
            index: Counted from 0.
        """
        return S3Uri(self.bucket, f"{self.stem}.{index:0{FRAME_DIGITS}d}.{self.extension}")


def _folder(source: S3Uri) -> S3Uri:
    folder, slash, _ = source.key.rpartition("/")
    return S3Uri(source.bucket, folder + slash)
