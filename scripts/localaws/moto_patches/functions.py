"""What moto's Lambda lacks or does otherwise than AWS."""

# ruff: noqa: ANN401  # the members replaced here take what moto gives them

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from localaws.lambda_ import environment
from localaws.lambda_.functions import LATEST, FunctionName
from localaws.patching import replace

if TYPE_CHECKING:
    from collections.abc import Callable


def function_settings() -> None:
    """Lambda: dead-letter and logging settings and all updates are kept; variables are checked."""
    from moto.awslambda.models import LambdaFunction

    create, update, describe = (
        LambdaFunction.__init__,
        LambdaFunction.update_configuration,
        LambdaFunction.get_configuration,
    )

    def create_whole(self: Any, account_id: str, spec: dict[str, Any], region: str, version: Any = 1) -> None:
        _check_environment(spec)
        self.dead_letter_config = spec.get("DeadLetterConfig")
        self.logging_config = spec.get("LoggingConfig")
        self.event_invoke_configs = {}
        create(self, account_id, spec, region, version)

    def update_whole(self: Any, config_updates: dict[str, Any]) -> dict[str, Any]:
        _check_environment(config_updates)
        if "EphemeralStorage" in config_updates:
            self.ephemeral_storage = config_updates["EphemeralStorage"]["Size"]
        for name, attribute in (
            ("DeadLetterConfig", "dead_letter_config"),
            ("LoggingConfig", "logging_config"),
            ("TracingConfig", "tracing_config"),
            ("KMSKeyArn", "kms_key_arn"),
        ):
            if name in config_updates:
                setattr(self, attribute, config_updates[name])
        return update(self, config_updates)

    def describe_whole(self: Any, on_create: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002
        config = describe(self, on_create)
        if (self.dead_letter_config or {}).get("TargetArn"):
            config["DeadLetterConfig"] = self.dead_letter_config
        defaults = {"LogFormat": "Text", "LogGroup": self.logs_group_name}
        return config | {"LoggingConfig": defaults | (self.logging_config or {})}

    replace(
        LambdaFunction,
        __init__=create_whole,
        update_configuration=update_whole,
        get_configuration=describe_whole,
    )


def reserved_concurrency_of_zero() -> None:
    """Lambda: a reserved concurrency of 0 (the function is stopped) is shown by GetFunction."""
    from moto.awslambda.models import LambdaFunction

    get_code = LambdaFunction.get_code

    def get_code_with_concurrency(self: Any) -> dict[str, Any]:
        answer = get_code(self)
        if self.reserved_concurrency is not None:
            answer["Concurrency"] = {"ReservedConcurrentExecutions": int(self.reserved_concurrency)}
        return answer

    replace(LambdaFunction, get_code=get_code_with_concurrency)


def event_invoke_configs() -> None:
    """Lambda: an event-invoke configuration belongs to a qualifier, and putting one replaces it."""
    from moto.awslambda.exceptions import UnknownEventConfig
    from moto.awslambda.models import EventInvokeConfig
    from moto.awslambda.responses import LambdaResponse
    from moto.core.responses import ActionResult

    def store(target: FunctionName, configs: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
        arn = target.arn if target.qualifier else f"{target.arn}:{LATEST}"
        stored = EventInvokeConfig(arn, time.time(), config)  # type: ignore[arg-type]  # epoch seconds, as on AWS
        configs[target.qualifier or LATEST] = stored
        return stored.response()

    def find(response: Any) -> tuple[FunctionName, dict[str, Any], Any]:
        target = _event_invoke_target(response)
        configs = response.backend.get_function(target.name).event_invoke_configs
        return target, configs, configs.get(target.qualifier or LATEST)

    def put(self: Any) -> Any:
        target, configs, _ = find(self)
        return ActionResult(store(target, configs, self.json_body))

    def update(self: Any) -> Any:
        target, configs, old = find(self)
        if old is None:
            raise UnknownEventConfig(target.arn)
        return ActionResult(store(target, configs, {**old.config, **self.json_body}))

    def get(self: Any) -> Any:
        target, _, stored = find(self)
        if stored is None:
            raise UnknownEventConfig(target.arn)
        return ActionResult(stored.response())

    def delete(self: Any) -> Any:
        target, configs, stored = find(self)
        if stored is None:
            raise UnknownEventConfig(target.arn)
        del configs[target.qualifier or LATEST]
        return 204, {"status": 204}, "{}"

    replace(
        LambdaResponse,
        put_function_event_invoke_config=put,
        update_function_event_invoke_config=update,
        get_function_event_invoke_config=get,
        delete_function_event_invoke_config=delete,
    )


def _event_invoke_target(response: Any) -> FunctionName:
    return FunctionName.parse(
        unquote(response.path.rstrip("/").rsplit("/", 2)[1]),
        account=response.current_account,
        region=response.region,
        qualifier=response.querystring.get("Qualifier", [None])[0],
    )


def _check_environment(spec: dict[str, Any]) -> None:
    from moto.awslambda.exceptions import InvalidParameterValueException

    complaint = environment.complaint((spec.get("Environment") or {}).get("Variables") or {})
    if complaint:
        raise InvalidParameterValueException(complaint)


PATCHES: tuple[Callable[[], None], ...] = (
    function_settings,
    reserved_concurrency_of_zero,
    event_invoke_configs,
)
