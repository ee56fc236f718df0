"""One embedded AWS with the real Terraform configuration applied, for all integration tests of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support_deployed import GRANTED_BUCKET, Deployed, Published
from support_films import film_model
from support_models import normal_png

from spotcheck import embedded, targets
from spotcheck.up import bring_up

if TYPE_CHECKING:
    from collections.abc import Iterator


STACK = pytest.StashKey[Deployed]()


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Deployed]:
    """The embedded AWS with the stack applied; no model is published, and every job event comes twice."""
    state_dir = tmp_path_factory.mktemp("localaws")
    # Terraform reads it whoever plans: the tests, or a command that they run.
    settings = state_dir / "terraform" / "granted.auto.tfvars"
    settings.parent.mkdir()
    settings.write_text(f'dataset_bucket_arns = ["arn:aws:s3:::{GRANTED_BUCKET}"]\n')
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("LOCALAWS_MEDIACONVERT_EVENT_COPIES", "2")
            standing = bring_up(0, state_dir=state_dir, options=("--max-concurrency", "6"))
        target = targets.Target("local", standing.outputs, targets.LOCAL_ACCOUNT)
        pytestconfig.stash[STACK] = Deployed(target, state_dir)
        yield pytestconfig.stash[STACK]
    finally:
        embedded.stop_server(state_dir)


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model that judges `normal_png`, and films of it, as normal."""
    folder = tmp_path_factory.mktemp("model")
    path = folder / "model.onnx"
    path.write_bytes(film_model(folder))
    return path


@pytest.fixture(scope="session")
def published(deployed: Deployed, model_file: Path) -> Published:
    """A picture uploaded before any model, then `spotcheck publish`."""
    identity = deployed.put("image_inputs/before any model.png", normal_png(30))
    before = deployed.record(identity, waiting=True)
    command = deployed.spotcheck("publish", "--model", model_file)
    return Published(before, command, deployed.record(identity))


@pytest.fixture(scope="session")
def pipeline(deployed: Deployed, published: Published) -> Deployed:
    """The stack with a model published."""
    assert published.command.returncode == 0, published.command.stderr
    return deployed


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Nothing is waited for once it is known that the stack judges nothing: one failure says why."""
    stack = item.config.stash.get(STACK, None)
    if stack and stack.trouble and "deployed" in getattr(item, "fixturenames", ()):
        pytest.fail("the deployed stack judges nothing: the first failure says why", pytrace=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here takes minutes at first; a second stack comes late, the end of the first one last."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and "deployed" in getattr(item, "fixturenames", ()):
            item.add_marker("integration")
    late = [here / "test_encrypted_stack.py", here / "test_destroy.py"]
    items.sort(key=lambda item: late.index(item.path) + 1 if item.path in late else 0)
