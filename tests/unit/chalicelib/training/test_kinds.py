"""Kinds of anomaly get their names where, and only where, cross-validation says that names are worth it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto

from chalicelib.anomalies import UNNAMED
from chalicelib.training.features import FeatureValues
from chalicelib.training.graph import GraphBuilder
from chalicelib.training.kind_examples import Anomalies
from chalicelib.training.kinds import MIN_PARTS, Kinds, balanced_accuracy, better_than_chance, learn_kinds
from chalicelib.training.kinds_graph import add_kinds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from chalicelib.training.naming import Naming

GRID, CHANNELS, CONTEXT = 5, 20, 4
PATCHES = GRID**2
THRESHOLD = 10.0


def anomalies(
    kinds: Sequence[str | None], *, strength: float = 3.0, masked: bool = True, seed: int = 0
) -> Anomalies:
    """Two patches of each picture stand out, and depart from the others in the channel of their kind.

    Kinds have their channels in the order of their names.
    """
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(len(kinds), CHANNELS + CONTEXT, PATCHES)).astype(np.float32)
    heat = generator.uniform(1, 5, (len(kinds), PATCHES))
    names = sorted({kind for kind in kinds if kind})
    marks = []
    for picture, kind in enumerate(kinds):
        place = generator.integers(0, PATCHES - 1)
        heat[picture, place : place + 2] = 20
        mask = np.zeros(PATCHES, np.float32)
        mask[place : place + 2] = masked
        if kind:
            features[picture, names.index(kind), place : place + 2] += strength
        marks.append({kind: mask} if kind else {})
    normal = np.zeros(features.shape[1:], np.float32)
    return Anomalies(features, heat, marks, np.arange(len(kinds)), normal)


SCRATCHES_AND_DENTS = ("scratch",) * 30 + ("dent",) * 10


@pytest.mark.parametrize("masked", [True, False])
def test_kinds_that_differ_are_named_with_their_colour_and_accuracy(masked: bool) -> None:  # noqa: FBT001
    learnt = learn_kinds(anomalies(SCRATCHES_AND_DENTS, masked=masked), THRESHOLD, {})
    assert [kind.name for kind in learnt.kinds] == ["dent", "scratch", "anomaly"]
    assert len({kind.color for kind in learnt.kinds}) == 3
    for kind in learnt.kinds[:-1]:
        of_kind = learnt.decision["confusion"][kind.name]
        assert kind.accuracy == pytest.approx(of_kind[kind.name] / sum(of_kind.values()), abs=1e-4)
        assert kind.accuracy is not None
        assert kind.accuracy > 0.85
    assert learnt.decision["named"] == ["dent", "scratch"]


def share_of(name: str, learnt: Kinds, given: Anomalies) -> float:
    """Of pictures, the share that gets a name."""
    assert learnt.naming is not None
    found = 0
    for features, heat in zip(given.features, given.heat_maps, strict=True):
        evidence = learnt.naming(features)[:, heat > THRESHOLD].mean(axis=1)
        found += learnt.kinds[int(evidence.argmax())].name == name
    return found / len(given.features)


def test_what_was_measured_holds_for_anomalies_not_seen() -> None:
    learnt = learn_kinds(anomalies(SCRATCHES_AND_DENTS), THRESHOLD, {})
    unseen = anomalies(("dent",) * 40 + ("scratch",) * 40, seed=7)
    for name, of_kind in (("dent", slice(0, 40)), ("scratch", slice(40, 80))):
        given = unseen._replace(features=unseen.features[of_kind], heat_maps=unseen.heat_maps[of_kind])
        (accuracy,) = [kind.accuracy for kind in learnt.kinds if kind.name == name]
        assert share_of(name, learnt, given) == pytest.approx(accuracy, abs=0.15)


def test_a_kind_that_training_has_not_seen_is_mostly_left_unnamed() -> None:
    learnt = learn_kinds(anomalies(SCRATCHES_AND_DENTS, strength=8), THRESHOLD, {})
    cracks = anomalies(("crack",) * 40, strength=8, seed=7)
    moved = cracks._replace(features=np.roll(cracks.features, 5, axis=1))  # a channel that no kind has
    assert share_of("anomaly", learnt, moved) > 0.9
    known = anomalies(("dent", "scratch") * 20, strength=8, seed=9)
    assert share_of("anomaly", learnt, known) < 0.25


def test_the_decision_tells_how_many_were_left_unnamed() -> None:
    decision = learn_kinds(anomalies(SCRATCHES_AND_DENTS), THRESHOLD, {}).decision
    confusion = decision["confusion"]
    assert list(confusion["dent"]) == ["dent", "scratch", "anomaly"]
    assert sum(confusion["dent"].values()) == 10
    left = confusion["dent"]["anomaly"] + confusion["scratch"]["anomaly"]
    assert f"is called anomaly: {left} of 40 were" in decision["reason"]


def test_a_rare_kind_is_not_swallowed_by_a_common_one() -> None:
    """Leave-one-out scales the values: else most of the rare kind would get the common one's name."""
    learnt = learn_kinds(anomalies(("scratch",) * 80 + ("dent",) * 8, strength=2.5), THRESHOLD, {})
    confusion = learnt.decision["confusion"]
    assert confusion["dent"]["dent"] >= 6


def test_what_cannot_be_told_apart_better_than_by_chance_stays_unnamed() -> None:
    tried = [
        learn_kinds(anomalies(SCRATCHES_AND_DENTS, strength=0, seed=seed), THRESHOLD, {})
        for seed in range(20)
    ]
    unnamed = [learnt for learnt in tried if learnt.kinds == (UNNAMED,)]
    assert len(unnamed) >= 17  # two standard errors: chance alone passes them one time in twenty or so
    for learnt in unnamed:
        assert learnt.naming is None
        assert "cannot be told apart well enough" in learnt.decision["reason"]
        assert learnt.decision["named"] == []
        assert list(learnt.decision["confusion"]["dent"]) == ["dent", "scratch"]
        assert 0.2 < learnt.decision["accuracy"] < 0.8


def test_a_kind_with_too_few_parts_stays_unnamed_and_is_not_learnt_from() -> None:
    few = anomalies((*SCRATCHES_AND_DENTS, *("crack",) * (MIN_PARTS - 1)))
    learnt = learn_kinds(few, THRESHOLD, {})
    assert [kind.name for kind in learnt.kinds] == ["dent", "scratch", "anomaly"]
    assert learnt.decision["unnamed"] == ["crack"]
    assert "crack" not in learnt.decision["confusion"]


def test_many_pictures_of_one_part_are_one_example_and_held_out_together() -> None:
    given = anomalies(("scratch",) * 20 + ("dent",) * 20)
    one_dent = given._replace(groups=np.array([*range(20), *[20] * 20]))
    assert learn_kinds(one_dent, THRESHOLD, {}).decision["unnamed"] == ["dent"]


def test_one_kind_alone_gives_its_name_to_all() -> None:
    learnt = learn_kinds(anomalies(("scratch",) * MIN_PARTS), THRESHOLD, {"scratch": "#7ed321"})
    ((name, color, accuracy),) = [(kind.name, kind.color, kind.accuracy) for kind in learnt.kinds]
    assert (name, color, accuracy) == ("scratch", "#7ED321", None)
    assert learnt.naming is None


@pytest.mark.parametrize(
    "kinds",
    [
        ("scratch",) * (MIN_PARTS - 1),
        ("scratch",) * 12 + ("dent",) * 3,
        ("scratch",) * 6 + (None,) * 8,
        (None,) * 9,
    ],
)
def test_one_kind_that_may_not_be_all_names_nothing(kinds: tuple[str | None, ...]) -> None:
    assert learn_kinds(anomalies(kinds), THRESHOLD, {}).kinds == (UNNAMED,)


def test_a_picture_with_several_kinds_is_an_example_of_each() -> None:
    given = anomalies(SCRATCHES_AND_DENTS)
    marks = [dict(one) for one in given.marks]
    left, right = np.zeros(PATCHES, np.float32), np.zeros(PATCHES, np.float32)
    left[0], right[-1] = 1, 1
    marks[0] = {"scratch": left, "dent": right}
    confusion = learn_kinds(given._replace(marks=marks), THRESHOLD, {}).decision["confusion"]
    assert sum(confusion["dent"].values()) == 11
    assert sum(confusion["scratch"].values()) == 30


def test_a_missed_anomaly_is_named_by_what_stands_out_most() -> None:
    given = anomalies(SCRATCHES_AND_DENTS)
    found, missed = (learn_kinds(given, threshold, {}).decision for threshold in (THRESHOLD, 1000.0))
    assert missed["accuracy"] == pytest.approx(found["accuracy"], abs=0.1)


def test_the_same_anomalies_give_the_same_names() -> None:
    first, second = (learn_kinds(anomalies(SCRATCHES_AND_DENTS), THRESHOLD, {}) for _ in range(2))
    assert first.kinds == second.kinds
    assert first.decision == second.decision
    assert first.naming is not None
    assert second.naming is not None
    for one, other in zip(first.naming.heads, second.naming.heads, strict=True):
        assert one.bias == other.bias
        np.testing.assert_array_equal(one.weights, other.weights)


def test_each_kind_counts_the_same_in_the_accuracy() -> None:
    accuracy, error = balanced_accuracy(np.array([[90, 10], [5, 5]]))
    assert accuracy == pytest.approx(0.7)
    expected = (91 / 102 * 11 / 102 / 100 + 6 / 12 * 6 / 12 / 10) / 4
    assert error == pytest.approx(expected**0.5)


@pytest.mark.parametrize(
    ("accuracy", "error", "kinds", "expected"),
    [
        (0.66, 0.05, 2, True),
        (0.64, 0.01, 2, False),  # not three tenths of the way from chance to certainty
        (0.70, 0.11, 2, False),  # within two standard errors of chance
        (0.45, 0.05, 5, True),
        (0.43, 0.01, 5, False),
    ],
)
def test_names_are_worth_it_by_a_margin_above_chance(
    accuracy: float,
    error: float,
    kinds: int,
    expected: bool,  # noqa: FBT001
) -> None:
    assert better_than_chance(accuracy, error, kinds) is expected


@pytest.mark.parametrize("with_context", [True, False])
def test_the_graph_computes_what_numpy_computes(with_context: bool) -> None:  # noqa: FBT001
    given = anomalies(SCRATCHES_AND_DENTS)
    if not with_context:
        given = given._replace(features=given.features[:, :CHANNELS], normal=given.normal[:CHANNELS])
    given.normal[:] = 0.1
    naming = learn_kinds(given, THRESHOLD, {}).naming
    assert naming is not None
    unseen = anomalies(("scratch", "dent"), seed=3).features
    for features in unseen if with_context else unseen[:, :CHANNELS]:
        expected = naming(features).reshape(3, GRID, GRID)
        np.testing.assert_allclose(run_graph(naming, features), expected, rtol=1e-4, atol=1e-4)


def run_graph(naming: Naming, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the graph gives for features that are built into it."""
    graph = GraphBuilder()
    # The black image is added to each constant, so that onnxruntime cannot work everything out beforehand.
    black = graph.add("ReduceMax", [graph.add("Cast", ["image"], to=TensorProto.FLOAT)], keepdims=0)

    def value(constant: NDArray[np.float32]) -> str:
        return graph.add("Add", [graph.constant(constant), black])

    maps = features.reshape(1, -1, GRID, GRID)
    values = FeatureValues(value(maps[:, :CHANNELS]), (CHANNELS,), GRID)
    if maps.shape[1] > CHANNELS:
        values = values._replace(context=value(maps[:, CHANNELS:]), context_channels=CONTEXT)
    add_kinds(graph, values, naming)
    session = onnxruntime.InferenceSession(graph.model(4, {"kinds": (3, GRID, GRID)}))
    (kinds,) = session.run(("kinds",), {"image": np.zeros((1, 4, 4, 3), np.uint8)})
    return kinds  # type: ignore[no-any-return]


def test_each_anomaly_is_named_by_heads_that_had_not_seen_it() -> None:
    learnt = learn_kinds(anomalies(SCRATCHES_AND_DENTS), THRESHOLD, {})
    assert sorted(learnt.held_out) == list(range(len(SCRATCHES_AND_DENTS)))
    assert learnt.naming is not None
    *of_kinds, none = learnt.naming.heads
    for naming in learnt.held_out.values():
        assert (
            naming.heads[-1].bias == none.bias == pytest.approx(learnt.decision["least_evidence"], abs=1e-4)
        )
        assert all(
            (one.weights != final.weights).any()
            for one, final in zip(naming.heads[:-1], of_kinds, strict=True)
        )


def test_there_are_never_more_kinds_than_the_api_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.training.kinds.MAX_KINDS", 3)
    given = anomalies(("scratch", "dent", "crack") * 10)
    learnt = learn_kinds(given, THRESHOLD, {})
    assert [kind.name for kind in learnt.kinds] == ["crack", "dent", "anomaly"]
    assert learnt.decision["unnamed"] == ["scratch"]
