"""What moto's S3 lacks or does otherwise than AWS."""

# ruff: noqa: ANN401  # the members replaced here take what moto gives them

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localaws.iam import Request, decide
from localaws.iam.roles import bucket_statements
from localaws.lambda_ import permissions
from localaws.lambda_.functions import FunctionName
from localaws.patching import replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed.wsgi import WSGIEnvironment

MAX_KEY_BYTES = 1024


def keep_put_body(environ: WSGIEnvironment) -> None:
    """S3: the body of a PUT is the object, even when a client (curl, urllib) calls it a form."""
    form = environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")
    if form and environ["REQUEST_METHOD"] == "PUT":
        environ["CONTENT_TYPE"] = "binary/octet-stream"


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


PATCHES: tuple[Callable[[], None], ...] = (
    multipart_notifies_once,
    delete_marker_is_not_allowed,
    folders_hold_objects,
    bucket_policies_have_conditions,
    key_length,
    notification_destinations_are_checked,
)
