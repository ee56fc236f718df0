"""Everything that moto lacks or does otherwise than AWS, mended in one place.

Each function mends one thing and says what. `tests/unit/localaws/test_moto_patches.py` fails for each when moto no
longer needs it. What is more than a mend has a module of its own: `notifications`, `event_bridge`, `lambda_`.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from localaws.lambda_ import environment

if TYPE_CHECKING:
    from collections.abc import Callable

    Patch = Callable[[], None]


def before_import() -> None:
    """Settings that moto reads when it is imported: it knows AWS's managed policies only when told to."""
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"


def apply() -> None:
    """Applies every mend, once a process."""
    for patch in PATCHES:
        patch()


def compact_redrive_policy() -> None:
    """SQS: a redrive policy comes back as AWS writes it, without blanks (Terraform compares the texts)."""
    import moto.sqs.models as sqs

    class CompactJson:
        """`json` whose `dumps` puts no blanks."""

        def __getattr__(self, name: str) -> Any:
            return getattr(json, name)

        @staticmethod
        def dumps(value: Any, **options: Any) -> str:
            return json.dumps(value, separators=(",", ":"), **options)

    sqs.json = CompactJson()


def multipart_notifies_once() -> None:
    """S3: a multipart upload is one event, CompleteMultipartUpload, not a Put as well."""
    from moto.s3.models import S3Backend

    put_object = S3Backend.put_object

    def put_object_quietly(self: S3Backend, *args: Any, **options: Any) -> Any:
        if options.get("multipart") is not None:
            options["disable_notification"] = True
        return put_object(self, *args, **options)

    S3Backend.put_object = put_object_quietly


def function_settings() -> None:
    """Lambda: a function keeps its dead-letter and logging configuration, and every update of its settings."""
    from moto.awslambda.models import LambdaFunction

    init, update, describe = (
        LambdaFunction.__init__,
        LambdaFunction.update_configuration,
        LambdaFunction.get_configuration,
    )

    def init_all(self: Any, account_id: str, spec: dict[str, Any], region: str, version: Any = 1) -> None:
        _check_environment(spec)
        self.dead_letter_config = spec.get("DeadLetterConfig")
        self.logging_config = spec.get("LoggingConfig")
        self.event_invoke_configs = {}
        init(self, account_id, spec, region, version)

    def update_all(self: Any, updates: dict[str, Any]) -> dict[str, Any]:
        _check_environment(updates)
        if "DeadLetterConfig" in updates:
            self.dead_letter_config = updates["DeadLetterConfig"]
        if "LoggingConfig" in updates:
            self.logging_config = updates["LoggingConfig"]
        if "EphemeralStorage" in updates:
            self.ephemeral_storage = updates["EphemeralStorage"]["Size"]
        if "TracingConfig" in updates:
            self.tracing_config = updates["TracingConfig"]
        if "KMSKeyArn" in updates:
            self.kms_key_arn = updates["KMSKeyArn"]
        update(self, updates)
        return dict(self.get_configuration())

    def describe_all(self: Any, on_create: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002
        config: dict[str, Any] = describe(self, on_create)
        if (self.dead_letter_config or {}).get("TargetArn"):
            config["DeadLetterConfig"] = self.dead_letter_config
        config["LoggingConfig"] = {
            "LogFormat": "Text",
            "LogGroup": self.logs_group_name,
            **(self.logging_config or {}),
        }
        return config

    LambdaFunction.__init__ = init_all
    LambdaFunction.update_configuration = update_all
    LambdaFunction.get_configuration = describe_all


def event_invoke_configs() -> None:
    """Lambda: an event-invoke configuration belongs to a qualifier, and putting one replaces it."""
    from moto.awslambda.exceptions import UnknownEventConfig
    from moto.awslambda.models import EventInvokeConfig
    from moto.awslambda.responses import LambdaResponse
    from moto.core.responses import ActionResult

    def address(self: Any) -> tuple[Any, str, str]:
        from localaws.lambda_.functions import FunctionName

        text = self.uri_match.group("function_name") if getattr(self, "uri_match", None) else ""
        target = FunctionName.parse(
            _unquote(text or self.path.rsplit("/", 2)[1]),
            account=self.current_account,
            region=self.region,
            qualifier=self.querystring.get("Qualifier", [None])[0],
        )
        function = self.backend.get_function(target.name)
        arn = f"{target.arn if target.qualifier else target.arn + ':$LATEST'}"
        return function, target.qualifier or "$LATEST", arn

    def put(self: Any) -> Any:
        function, qualifier, arn = address(self)
        stored = EventInvokeConfig(arn, _now(), self.json_body)
        function.event_invoke_configs[qualifier] = stored
        return ActionResult(stored.response())

    def update(self: Any) -> str:
        function, qualifier, arn = address(self)
        old = function.event_invoke_configs.get(qualifier)
        if old is None:
            raise UnknownEventConfig(arn)
        stored = EventInvokeConfig(arn, _now(), {**old.config, **self.json_body})
        function.event_invoke_configs[qualifier] = stored
        return json.dumps(stored.response())

    def get(self: Any) -> Any:
        function, qualifier, arn = address(self)
        if qualifier not in function.event_invoke_configs:
            raise UnknownEventConfig(arn)
        return ActionResult(function.event_invoke_configs[qualifier].response())

    def delete(self: Any) -> Any:
        function, qualifier, arn = address(self)
        if function.event_invoke_configs.pop(qualifier, None) is None:
            raise UnknownEventConfig(arn)
        return 204, {"status": 204}, "{}"

    LambdaResponse.put_function_event_invoke_config = put
    LambdaResponse.update_function_event_invoke_config = update
    LambdaResponse.get_function_event_invoke_config = get
    LambdaResponse.delete_function_event_invoke_config = delete


def _check_environment(spec: dict[str, Any]) -> None:
    from moto.awslambda.exceptions import InvalidParameterValueException

    complaint = environment.complaint((spec.get("Environment") or {}).get("Variables") or {})
    if complaint:
        raise InvalidParameterValueException(complaint)


def _now() -> float:
    import time

    return time.time()


def _unquote(text: str) -> str:
    from urllib.parse import unquote

    return unquote(text)


PATCHES: tuple[Patch, ...] = (
    compact_redrive_policy,
    multipart_notifies_once,
    function_settings,
    event_invoke_configs,
)
