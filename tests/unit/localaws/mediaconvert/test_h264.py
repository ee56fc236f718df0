from __future__ import annotations

from fractions import Fraction

from localaws.mediaconvert.h264 import encoder_options, output_rate

RATE = Fraction(25)


def test_qvbr_is_constant_quality_under_a_ceiling() -> None:
    settings = {"RateControlMode": "QVBR", "MaxBitrate": 800_000, "QvbrSettings": {"QvbrQualityLevel": 7}}
    options = encoder_options(settings, RATE)
    assert (options["crf"], options["maxrate"]) == ("23.0", "800000")
    assert "b" not in options


def test_a_higher_qvbr_level_is_better_quality() -> None:
    def factor(level: int) -> float:
        settings = {
            "RateControlMode": "QVBR",
            "MaxBitrate": 1,
            "QvbrSettings": {"QvbrQualityLevel": level},
        }
        return float(encoder_options(settings, RATE)["crf"])

    assert factor(9) < factor(6)


def test_cbr_keeps_one_rate() -> None:
    options = encoder_options({"RateControlMode": "CBR", "Bitrate": 500_000}, RATE)
    assert (options["b"], options["maxrate"]) == ("500000", "500000")


def test_vbr_averages_under_its_maximum() -> None:
    settings = {"RateControlMode": "VBR", "Bitrate": 500_000, "MaxBitrate": 900_000}
    assert encoder_options(settings, RATE)["maxrate"] == "900000"


def test_a_gop_may_be_given_in_seconds_or_frames() -> None:
    base = {"RateControlMode": "CBR", "Bitrate": 1000}
    assert encoder_options({**base, "GopSize": 90, "GopSizeUnits": "FRAMES"}, RATE)["g"] == "90"
    assert encoder_options({**base, "GopSize": 2, "GopSizeUnits": "SECONDS"}, RATE)["g"] == "50"


def test_the_frame_rate_is_the_sources_unless_specified() -> None:
    assert output_rate({"FramerateControl": "INITIALIZE_FROM_SOURCE"}, RATE) == 25
    specified = {"FramerateControl": "SPECIFIED", "FramerateNumerator": 30000, "FramerateDenominator": 1001}
    assert output_rate(specified, RATE) == Fraction(30000, 1001)
