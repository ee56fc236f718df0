"""S3 as a job sees it: moto's own backend, with the job's role looked at.

Objects are put through the backend's `put_object` and `send_event`, the same that a client's PutObject ends
in, so that a bucket's notifications fire for every frame. Nothing goes over HTTP and no credentials are
needed, which is also what makes it work under `mock_aws`.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from moto.s3 import notifications
from moto.s3.exceptions import MissingBucket
from moto.s3.models import s3_backends
from moto.utilities.utils import get_partition

from localaws.iam import Request, decide, trusts
from localaws.iam.encryption import key_needs
from localaws.iam.needs import Need
from localaws.iam.roles import bucket_statements, find_role, resource_statements, role_statements
from localaws.locks import service_lock
from localaws.mediaconvert.exceptions import AccessDeniedError, AssumeRoleError, ObjectNotFoundError

if TYPE_CHECKING:
    from pathlib import Path

    from moto.s3.models import FakeBucket

    from localaws.mediaconvert.names import S3Uri

SERVICE = "mediaconvert.amazonaws.com"


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf S3 is read and written.

    Attributes:
        account_id: The account of job, role and buckets.
        region: The job's region.
        role: ARN of the job's role.
        queue: ARN of the job's queue, which AWS names as `aws:SourceArn` when it assumes the role.
    """

    account_id: str
    region: str
    role: str
    queue: str


class ObjectStore:
    """Reads inputs and writes outputs as one job.

    Args:
        caller: The job's account, role and queue.
        check_role: Whether policies count.

    Raises:
        AssumeRoleError: if IAM knows the role and it does not trust MediaConvert.
    """

    def __init__(self, caller: Caller, *, check_role: bool = True) -> None:
        partition = get_partition(caller.region)
        self._caller = caller
        self._s3 = s3_backends[caller.account_id][partition]
        # A role that IAM does not know may do everything: tests need not build one.
        self._role = find_role(caller.role) if check_role else None
        self._context = {
            "aws:SecureTransport": "true",
            "aws:PrincipalAccount": caller.account_id,
            "aws:SourceAccount": caller.account_id,
            "aws:SourceArn": caller.queue,
        }
        taking_on = Request(SERVICE, "sts:AssumeRole", caller.role, self._context)
        if self._role is not None and not trusts(self._role.assume_role_policy_document, taking_on):
            message = f"Unable to assume role [{caller.role}]: its trust policy does not allow [{SERVICE}]"
            raise AssumeRoleError(message)

    def fetch(self, uri: S3Uri, target: Path) -> None:
        """Copies an object into a file, a piece at a time.

        Raises:
            ObjectNotFoundError: if there is no such object or bucket.
            AccessDeniedError: if the role may not read it.
        """
        opening = f"Unable to open input file [{uri}]: [Failed probe/open: [Failed to read data"
        try:
            bucket = self._s3.get_bucket(uri.bucket)
            if not self._allowed(bucket, "s3:GetObject", uri):
                message = f"{opening}: Access Denied]]"
                raise AccessDeniedError(message)
            key = self._s3.get_object(uri.bucket, uri.key)
        except MissingBucket as error:
            message = f"{opening}: The specified bucket does not exist]]"
            raise ObjectNotFoundError(message) from error
        if key is None:
            message = f"{opening}: HeadObject failed]]"
            raise ObjectNotFoundError(message)
        with key.lock, target.open("wb") as file:  # `key.value` would hold the whole video in memory
            key._value_buffer.seek(0)
            shutil.copyfileobj(key._value_buffer, file, 1 << 20)

    def put(self, uri: S3Uri, body: bytes, content_type: str) -> None:
        """Writes an object as a client's PutObject would.

        Args:
            uri: Where to.
            body: What.
            content_type: The object's `Content-Type`.

        Raises:
            ObjectNotFoundError: if there is no such bucket.
            AccessDeniedError: if the role may not write there.
        """
        writing = f"Unable to write to output file [{uri}]: [Failed to write data"
        try:
            bucket = self._s3.get_bucket(uri.bucket)
        except MissingBucket as error:
            message = f"{writing}: The specified bucket does not exist]"
            raise ObjectNotFoundError(message) from error
        if not self._allowed(bucket, "s3:PutObject", uri):
            message = f"{writing}: Access Denied]"
            raise AccessDeniedError(message)
        with service_lock("s3"):
            key = self._s3.put_object(uri.bucket, uri.key, body, disable_notification=True)
            key.set_metadata({"Content-Type": content_type})
            notifications.send_event(
                self._caller.account_id,
                notifications.S3NotificationEvent.OBJECT_CREATED_PUT_EVENT,
                bucket,
                key,
            )

    def _allowed(self, bucket: FakeBucket, action: str, uri: S3Uri) -> bool:
        if self._role is None:
            return True
        statements = role_statements(self._role)
        needed = Need(action, f"{bucket.arn}/{uri.key}", self._context, bucket.account_id)
        asked = Request(self._caller.role, needed.action, needed.resource, needed.context, needed.owner)
        return decide(asked, statements, bucket_statements(bucket)).allowed and all(
            decide(
                Request(self._caller.role, need.action, need.resource, need.context),
                statements,
                resource_statements(need.resource, self._caller.account_id),
            ).allowed
            for need in key_needs(needed, self._caller.account_id, self._caller.region)
        )
