"""The handlers: take the event apart, call one function, hand back.

The decorators are the only list of handlers; Terraform makes the functions, permissions, notifications and
event rules from what Chalice packages. A bucket and a queue are named by their roles, which Terraform maps to
the real ones.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

from chalice.app import Chalice

from chalicelib.events import as_first_sent
from chalicelib.lookout.api.routes import ROUTES

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from chalice.app import CloudWatchEvent, Response, S3Event

    from chalicelib.conversion import VideoConverter
    from chalicelib.job_events import JobEvents
    from chalicelib.judging import Judge
    from chalicelib.lookout.api.front import LookoutFront
    from chalicelib.lookout.api.jobs import JobRunner
    from chalicelib.lookout.training.trainer import CloudTrainer
    from chalicelib.telemetry import Telemetry

# Chalice's own log handler would write every line of Powertools' logger, which has the same name, once more.
app = Chalice(app_name="spotcheck", configure_logs=False)

_CREATED = ["s3:ObjectCreated:*"]
_OUR_JOBS = {
    "source": ["aws.mediaconvert"],
    "detail-type": ["MediaConvert Job State Change"],
    "detail": {
        "queue": ["mediaconvert"],
        "status": ["PROGRESSING", "INPUT_INFORMATION", "COMPLETE", "ERROR", "CANCELED"],
    },
}


@app.on_s3_event(bucket="images", prefix="image_inputs/", events=_CREATED, name="detect_image")
def detect_image(event: S3Event) -> None:
    """Judges uploaded pictures."""
    _telemetry().begin(event.context)
    _judge().handle(event.to_dict())


@app.on_s3_event(bucket="images", prefix="video_inputs/", events=_CREATED, name="detect_frame")
def detect_frame(event: S3Event) -> None:
    """Judges the frames that MediaConvert captured."""
    _telemetry().begin(event.context)
    _judge().handle(event.to_dict())


@app.on_s3_event(bucket="videos", prefix="video_inputs/", events=_CREATED, name="convert_video")
def convert_video(event: S3Event) -> None:
    """Has MediaConvert capture the frames of uploaded videos."""
    _telemetry().begin(event.context)
    _converter().handle(event.to_dict())


@app.on_cw_event(_OUR_JOBS, name="on_video_job")
def on_video_job(event: CloudWatchEvent) -> None:
    """Follows the MediaConvert jobs of our videos."""
    _telemetry().begin(event.context)
    _job_events().take_in(event.detail)


def _route(operation: str) -> Callable[..., Response]:
    def answer(**path: str) -> Response:
        _telemetry().begin(app.lambda_context)
        return _lookout(app.lambda_context.invoked_function_arn).respond(operation, path, app.current_request)

    return answer


# The Lookout for Vision API. Any content type reaches its operation: errors are the service's, not Chalice's.
for _name, _method, _path in ROUTES:
    app.route(_path, methods=[_method], name=_name, content_types=["*/*"])(_route(_name))


@app.lambda_function(name="run_job")
def run_job(event: dict[str, Any], context: Any) -> None:  # noqa: ANN401 - Lambda's context object
    """Does what an operation of the API began and answered 202 for."""
    _telemetry().begin(context)
    seconds = context.get_remaining_time_in_millis() / 1000
    _jobs().run(as_first_sent(event), seconds)


@app.lambda_function(name="train_model")
def train_model(event: dict[str, Any], context: Any) -> None:  # noqa: ANN401 - Lambda's context object
    """Trains the version that CreateModel began."""
    _telemetry().begin(context)
    _trainer(context.invoked_function_arn).run(
        event["project"],
        event["version"],
        context.aws_request_id,
        lambda: context.get_remaining_time_in_millis() / 1000,
    )


# Everything with a client or a model in it: made at the first event, kept while the function is warm. Imports
# are as late, because Chalice imports this file to package it.


@cache
def _telemetry() -> Telemetry:
    from chalicelib.telemetry import Telemetry  # noqa: PLC0415

    return Telemetry()


@cache
def _judge() -> Judge:
    from chalicelib.wiring import judge  # noqa: PLC0415

    return judge(os.environ, _telemetry())


@cache
def _converter() -> VideoConverter:
    from chalicelib.wiring import converter  # noqa: PLC0415

    return converter(os.environ, _telemetry())


@cache
def _job_events() -> JobEvents:
    from chalicelib.wiring import job_events  # noqa: PLC0415

    return job_events(os.environ, _telemetry())


@cache
def _lookout(function_arn: str) -> LookoutFront:
    from chalicelib.lookout.api.wiring import front  # noqa: PLC0415

    return front(os.environ, function_arn, _telemetry())


@cache
def _jobs() -> JobRunner:
    from chalicelib.lookout.api.wiring import job_runner  # noqa: PLC0415

    return job_runner(os.environ)


@cache
def _trainer(function_arn: str) -> CloudTrainer:
    from chalicelib.lookout.api.wiring import trainer  # noqa: PLC0415

    return trainer(os.environ, function_arn, _telemetry())


# An environment that StartModel keeps warm loads its models before anybody asks for a verdict.
if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "provisioned-concurrency":
    from chalicelib.warm_start import warm_start

    warm_start(os.environ, _telemetry(), _judge)
