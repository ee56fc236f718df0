"""Everything that moto lacks or does otherwise than AWS, mended in one place.

Each function mends one thing and says what. `tests/unit/localaws/test_moto_patches.py` fails for each when
moto no longer needs it. What is more than a mend has a module of its own: `notifications`, `event_bridge`,
`lambda_`.
"""

# ruff: noqa: ANN401  # the members replaced here take what moto gives them

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from localaws.iam import Request, decide
from localaws.iam.roles import bucket_statements
from localaws.lambda_ import environment, permissions
from localaws.lambda_.functions import LATEST, FunctionName
from localaws.patching import replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed.wsgi import WSGIEnvironment

MAX_KEY_BYTES = 1024


def before_import() -> None:
    """Settings that moto reads when it is imported: it knows AWS's managed policies only when told to."""
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"


def apply() -> None:
    """Applies every mend; once a process."""
    for patch in PATCHES:
        patch()


def keep_put_body(environ: WSGIEnvironment) -> None:
    """S3: the body of a PUT is the object, even when a client (curl, urllib) calls it a form."""
    form = environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")
    if form and environ["REQUEST_METHOD"] == "PUT":
        environ["CONTENT_TYPE"] = "binary/octet-stream"


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

    replace(sqs, json=CompactJson())


def multipart_notifies_once() -> None:
    """S3: a multipart upload is one event, CompleteMultipartUpload, not a Put as well."""
    from moto.s3.models import S3Backend

    put_object = S3Backend.put_object

    def put_object_once(self: S3Backend, *args: Any, **options: Any) -> Any:
        if options.get("multipart") is not None:
            options["disable_notification"] = True
        return put_object(self, *args, **options)

    replace(S3Backend, put_object=put_object_once)


def delete_marker_is_not_allowed() -> None:
    """S3: reading a delete marker by its version is 405 MethodNotAllowed, not 404 NoSuchVersion."""
    from moto.s3.exceptions import MethodNotAllowed
    from moto.s3.models import FakeDeleteMarker
    from moto.s3.responses import S3Response

    get_key = S3Response._get_key

    def get_key_or_refuse(self: Any, validate_storage_class: bool = True) -> Any:  # noqa: FBT001, FBT002
        version = self.querystring.get("versionId", [None])[0]
        if version:
            found = self.backend.get_object(
                self.bucket_name, self.parse_key_name(), version_id=version, return_delete_marker=True
            )
            if isinstance(found, FakeDeleteMarker):
                raise MethodNotAllowed(method="GET", resource_type="DeleteMarker")
        return get_key(self, validate_storage_class)

    replace(S3Response, _get_key=get_key_or_refuse)


def folders_hold_objects() -> None:
    """S3: a listing by delimiter shows no folder in which every object was deleted."""
    from copy import copy

    from moto.s3.models import FakeBucket, FakeDeleteMarker, S3Backend

    list_objects = S3Backend.list_objects

    def list_present_objects(self: S3Backend, bucket: FakeBucket, *args: Any, **options: Any) -> Any:
        present = copy(bucket)
        present.keys = {  # type: ignore[assignment]
            name: key for name, key in bucket.keys.items() if not isinstance(key, FakeDeleteMarker)
        }
        return list_objects(self, present, *args, **options)

    replace(S3Backend, list_objects=list_present_objects)


def bucket_policies_have_conditions() -> None:
    """S3: a bucket policy's conditions and principals count. Whoever asks is of this account, and encrypted.

    What a function's role may do besides is for `iam.gate` to say.
    """
    from moto.iam.access_control import PermissionResult
    from moto.s3.models import FakeBucket

    def get_permission(self: FakeBucket, action: str, resource: str) -> PermissionResult:
        root = f"arn:aws:iam::{self.account_id}:root"
        context = {"aws:SecureTransport": "true", "aws:PrincipalAccount": self.account_id}
        decision = decide(Request(root, action, resource, context), (), bucket_statements(self))
        if decision.allowed:
            return PermissionResult.PERMITTED
        return PermissionResult.DENIED if decision.is_explicit else PermissionResult.NEUTRAL

    replace(FakeBucket, get_permission=get_permission)


def key_length() -> None:
    """S3: a key of more than 1,024 bytes is refused."""
    from moto.s3.exceptions import S3ClientError
    from moto.s3.models import S3Backend

    class KeyTooLongError(S3ClientError):
        """S3's error of that name."""

        code = "KeyTooLongError"

    put_object = S3Backend.put_object

    def put_object_in_limits(
        self: S3Backend, bucket_name: str, key_name: str, *args: Any, **options: Any
    ) -> Any:
        if len(key_name.encode()) > MAX_KEY_BYTES:
            message = "Your key is too long"
            raise KeyTooLongError(message)
        return put_object(self, bucket_name, key_name, *args, **options)

    replace(S3Backend, put_object=put_object_in_limits)


def notification_destinations_are_checked() -> None:
    """S3: a notification to a function that S3 may not invoke is refused."""
    from moto.s3.models import S3Backend

    put_configuration = S3Backend.put_bucket_notification_configuration

    def put_checked(self: S3Backend, bucket_name: str, notification_config: dict[str, Any]) -> None:
        bucket = self.get_bucket(bucket_name)
        for subscription in notification_config.get("CloudFunctionConfiguration") or []:
            target = FunctionName.parse(
                subscription["CloudFunction"], account=self.account_id, region=bucket.region_name
            )
            if not permissions.allows(target, "s3.amazonaws.com", bucket.arn, self.account_id):
                raise _destination_error()
        put_configuration(self, bucket_name, notification_config)

    replace(S3Backend, put_bucket_notification_configuration=put_checked)


def _destination_error() -> Exception:
    from moto.s3.exceptions import S3ClientError

    return S3ClientError("InvalidArgument", "Unable to validate the following destination configurations")


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
    compact_redrive_policy,
    multipart_notifies_once,
    delete_marker_is_not_allowed,
    folders_hold_objects,
    bucket_policies_have_conditions,
    key_length,
    notification_destinations_are_checked,
    function_settings,
    reserved_concurrency_of_zero,
    event_invoke_configs,
)
