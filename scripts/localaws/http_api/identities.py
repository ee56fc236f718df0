"""Access keys that the embedded AWS knows, and whose they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING

from localaws.iam.keys import access_key, is_lent
from localaws.iam.roles import PARTITION, all_roles
from localaws.locks import service_lock
from localaws.settings import ACCESS_KEY, ACCOUNT_ID, SECRET_KEY

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signs with an access key.

    Attributes:
        key: the access key id.
        secret: the secret access key.
        user: AWS's unique id of the user, or of the role and session; the account's number for its root.
        arn: of the user or session.
        token: the session token that must come with the key; None when any, or none, will do.
        expires: when the key ends; None when it does not.
    """

    key: str
    secret: str = field(repr=False)
    account: str
    user: str
    arn: str
    token: str | None = field(default=None, repr=False)
    expires: datetime | None = None


def find(key: str) -> Identity | None:
    """Whose an access key is; None when nobody's, or when it was made inactive.

    Known are the emulator's own key (the account's root), keys of IAM users, keys that STS lends, and those
    with which functions sign.
    """
    if key == ACCESS_KEY:
        return Identity(key, SECRET_KEY, ACCOUNT_ID, ACCOUNT_ID, f"arn:aws:iam::{ACCOUNT_ID}:root")
    return _of_user(key) or _of_session(key) or (_of_function(key) if is_lent(key) else None)


def _of_user(key: str) -> Identity | None:
    from moto.iam.models import iam_backends

    with service_lock("iam"):
        for user in iam_backends[ACCOUNT_ID][PARTITION].users.values():
            for found in user.access_keys:
                if found.access_key_id == key and found.status == "Active":
                    return Identity(key, found.secret_access_key, ACCOUNT_ID, user.id, user.arn)
    return None


def _of_session(key: str) -> Identity | None:
    from moto.sts.models import sts_backends

    with service_lock("sts"):
        for role in sts_backends[ACCOUNT_ID][PARTITION].assumed_roles:
            if role.access_key_id == key:
                return Identity(
                    key,
                    role.secret_access_key,
                    ACCOUNT_ID,
                    role.user_id,
                    role.arn,
                    token=role.session_token,
                    expires=role.expiration.replace(tzinfo=UTC),
                )
    return None


def _of_function(key: str) -> Identity | None:
    with service_lock("iam"):
        role = next((role for role in all_roles(ACCOUNT_ID) if access_key(role.arn) == key), None)
    if role is None:
        return None
    arn = f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{role.name}/function"
    return Identity(key, SECRET_KEY, ACCOUNT_ID, f"{role.id}:function", arn)
