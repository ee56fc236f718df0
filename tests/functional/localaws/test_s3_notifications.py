"""An upload by any client starts the function that the bucket's notification names, once."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import subprocess
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import pytest
from botocore.exceptions import ClientError
from support_localaws import RECORDER, eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support_localaws import Desk

BODY = b"\xff\xd8 a picture \x00" * 100
LARGE = b"\x00" * (5 * 1024 * 1024 + 1)

METADATA_READER = """
import boto3
def handler(event, context):
    s3, record = boto3.client("s3"), event["Records"][0]["s3"]
    found = s3.head_object(Bucket=record["bucket"]["name"], Key=record["object"]["key"])["Metadata"]
    s3.put_object(Bucket="seen", Key=f"{context.function_name}/1", Body='"%s"' % found.get("camera-id"))
"""


def notify(desk: Desk, bucket: str, arn: str) -> None:
    permit(desk, bucket, arn)
    subscribe(desk, bucket, arn)


def permit(desk: Desk, bucket: str, arn: str) -> None:
    _, _, qualifier = arn.split("function:")[1].partition(":")
    desk.client("lambda").add_permission(
        FunctionName=arn.removesuffix(f":{qualifier}"),
        StatementId=f"s3-{bucket}",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn=f"arn:aws:s3:::{bucket}",
        SourceAccount="123456789012",
        **({"Qualifier": qualifier} if qualifier else {}),
    )


def subscribe(desk: Desk, bucket: str, arn: str) -> None:
    desk.client("s3").put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [
                {
                    "Id": "pictures",
                    "LambdaFunctionArn": arn,
                    "Events": ["s3:ObjectCreated:*"],
                    "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "image_inputs/"}]}},
                }
            ]
        },
    )


@pytest.fixture(scope="module")
def recorder(desk: Desk) -> tuple[str, str]:
    """A bucket whose uploads a function records: the bucket and the function's name."""
    bucket = desk.bucket()
    desk.client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    arn = desk.deploy_alias(RECORDER)
    notify(desk, bucket, arn)
    return bucket, arn.split(":")[-2]


def put(desk: Desk, bucket: str, key: str, _: Path) -> None:
    desk.client("s3").put_object(Bucket=bucket, Key=key, Body=BODY)


def upload_file_in_parts(desk: Desk, bucket: str, key: str, folder: Path) -> None:
    from boto3.s3.transfer import TransferConfig

    file = folder / "large"
    file.write_bytes(LARGE)
    desk.client("s3").upload_file(str(file), bucket, key, Config=TransferConfig(multipart_threshold=1))


def copy(desk: Desk, bucket: str, key: str, _: Path) -> None:
    desk.client("s3").put_object(Bucket=bucket, Key="elsewhere", Body=BODY)
    desk.client("s3").copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": "elsewhere"})


def presigned_post(desk: Desk, bucket: str, key: str, _: Path) -> None:
    post = desk.client("s3").generate_presigned_post(bucket, key)
    boundary = "----boundary"
    fields = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in post["fields"].items()
    )
    file = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="x.jpg"\r\n\r\n'
    body = (fields + file).encode() + BODY + f"\r\n--{boundary}--\r\n".encode()
    send("POST", post["url"], body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})


def presigned_put(desk: Desk, bucket: str, key: str, _: Path) -> None:
    url = desk.client("s3").generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": key})
    send("PUT", url, BODY, {})


def presigned_put_called_a_form(desk: Desk, bucket: str, key: str, _: Path) -> None:
    url = desk.client("s3").generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": key})
    send("PUT", url, BODY, {"Content-Type": "application/x-www-form-urlencoded"})


def aws_cli(desk: Desk, bucket: str, key: str, folder: Path) -> None:
    program = shutil.which("aws")
    if program is None:
        pytest.skip("the aws CLI is not installed")
    file = folder / "picture.jpg"
    file.write_bytes(BODY)
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    subprocess.run(
        [
            *(program, "s3", "cp", str(file), f"s3://{bucket}/{key}", "--quiet"),
            *("--endpoint-url", desk.aws.endpoint_url),
        ],
        env=os.environ | keys,
        check=True,
    )


def send(method: str, url: str, body: bytes, headers: dict[str, str]) -> None:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc)
    connection.request(method, f"{parts.path}?{parts.query}", body, headers)
    assert connection.getresponse().status in (200, 204)


@pytest.mark.parametrize(
    ("upload", "event_name", "size"),
    [
        (put, "ObjectCreated:Put", len(BODY)),
        (presigned_put, "ObjectCreated:Put", len(BODY)),
        (presigned_put_called_a_form, "ObjectCreated:Put", len(BODY)),
        (presigned_post, "ObjectCreated:Post", len(BODY)),
        (copy, "ObjectCreated:Copy", len(BODY)),
        (upload_file_in_parts, "ObjectCreated:CompleteMultipartUpload", len(LARGE)),
        (aws_cli, "ObjectCreated:Put", len(BODY)),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_an_upload_is_one_event_with_the_whole_record(
    desk: Desk,
    recorder: tuple[str, str],
    tmp_path: Path,
    upload: Callable[[Desk, str, str, Path], None],
    event_name: str,
    size: int,
) -> None:
    bucket, function = recorder
    key = f"image_inputs/{upload.__name__}/red flower+1 é%.jpg"

    upload(desk, bucket, key, tmp_path)
    put(desk, bucket, f"image_inputs/after-{upload.__name__}", tmp_path)

    def records_of(word: str) -> list[dict[str, Any]]:
        records = [record for event in desk.seen(function) for record in event["Records"]]
        return [record for record in records if word in record["s3"]["object"]["key"]]

    eventually(lambda: records_of(f"after-{upload.__name__}") and records_of(f"{upload.__name__}/"))
    (record,) = records_of(f"{upload.__name__}/")
    described = record["s3"]["object"]
    head = desk.client("s3").head_object(Bucket=bucket, Key=key)
    assert record["eventName"] == event_name
    assert record["eventVersion"] == "2.1"
    assert record["s3"]["configurationId"] == "pictures"
    assert described["key"] == f"image_inputs/{upload.__name__}/red+flower%2B1+%C3%A9%25.jpg"
    assert described["size"] == size == head["ContentLength"]
    assert described["eTag"] == head["ETag"].strip('"')
    assert described["versionId"] == head["VersionId"]
    assert re.fullmatch(r"[0-9A-F]{18}", described["sequencer"])
    assert record["requestParameters"] == {"sourceIPAddress": "127.0.0.1"}
    assert set(record["responseElements"]) == {"x-amz-request-id", "x-amz-id-2"}
    assert record["userIdentity"]["principalId"]
    assert record["s3"]["bucket"]["ownerIdentity"]["principalId"]


def test_sequencers_grow_with_each_upload_of_a_key(desk: Desk, recorder: tuple[str, str]) -> None:
    bucket, function = recorder
    key = "image_inputs/again.jpg"
    versions = [desk.client("s3").put_object(Bucket=bucket, Key=key)["VersionId"] for _ in range(3)]

    def sequencers() -> dict[str, str] | None:
        objects = [event["Records"][0]["s3"]["object"] for event in desk.seen(function)]
        found = {item["versionId"]: item["sequencer"] for item in objects if item["key"] == key}
        return found if len(found) == 3 else None

    found = eventually(sequencers)
    assert [found[version] for version in versions] == sorted(found.values())


def test_other_prefixes_start_nothing(desk: Desk, recorder: tuple[str, str], tmp_path: Path) -> None:
    bucket, function = recorder
    put(desk, bucket, "other/picture.jpg", tmp_path)
    put(desk, bucket, "image_inputs/after-other", tmp_path)

    keys = eventually(
        lambda: [
            key
            for event in desk.seen(function)
            if "other" in (key := event["Records"][0]["s3"]["object"]["key"])
        ]
    )
    assert keys == ["image_inputs/after-other"]


def test_without_versioning_the_record_names_no_version(desk: Desk, tmp_path: Path) -> None:
    bucket, name = desk.bucket(), desk.deploy(RECORDER)
    notify(desk, bucket, f"arn:aws:lambda:us-east-1:123456789012:function:{name}")

    put(desk, bucket, "image_inputs/a.jpg", tmp_path)

    (event,) = eventually(lambda: desk.seen(name))
    assert "versionId" not in event["Records"][0]["s3"]["object"]


def test_the_function_sees_the_objects_metadata(desk: Desk) -> None:
    bucket, name = desk.bucket(), desk.deploy(METADATA_READER)
    notify(desk, bucket, f"arn:aws:lambda:us-east-1:123456789012:function:{name}")

    desk.client("s3").put_object(Bucket=bucket, Key="image_inputs/a", Body=BODY, Metadata={"camera-id": "7"})

    assert eventually(lambda: desk.seen(name)) == ["7"]


def test_a_notification_to_a_function_that_is_gone_does_not_fail_the_upload(
    desk: Desk, tmp_path: Path
) -> None:
    bucket, arn = desk.bucket(), desk.deploy_alias(RECORDER)
    notify(desk, bucket, arn)
    desk.client("lambda").delete_function(FunctionName=arn.split(":")[-2])

    put(desk, bucket, "image_inputs/a.jpg", tmp_path)

    assert desk.client("s3").head_object(Bucket=bucket, Key="image_inputs/a.jpg")


def test_a_notification_without_permission_is_refused(desk: Desk) -> None:
    bucket, arn = desk.bucket(), desk.deploy_alias(RECORDER)
    permit(desk, bucket, arn.removesuffix(":live"))

    with pytest.raises(ClientError) as caught:
        subscribe(desk, bucket, arn)

    assert caught.value.response["Error"]["Code"] == "InvalidArgument"
    assert caught.value.response["Error"]["Message"] == (
        "Unable to validate the following destination configurations"
    )


def test_many_uploads_at_once_are_each_seen_once(desk: Desk) -> None:
    bucket, name = desk.bucket(), desk.deploy(RECORDER)
    notify(desk, bucket, f"arn:aws:lambda:us-east-1:123456789012:function:{name}")

    def upload(first: int) -> None:
        s3 = desk.aws.client("s3")
        for number in range(first, first + 10):
            s3.put_object(Bucket=bucket, Key=f"image_inputs/{number}?{urlencode({'a': 'b c'})}", Body=BODY)

    threads = [threading.Thread(target=upload, args=(first,)) for first in (0, 10, 20, 30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    eventually(lambda: len(desk.seen(name)) >= 40)
    keys = [event["Records"][0]["s3"]["object"]["key"] for event in desk.seen(name)]
    assert sorted(int(key.split("/")[1].split("%3F")[0]) for key in keys) == list(range(40))
