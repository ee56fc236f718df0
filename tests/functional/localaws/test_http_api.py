"""HTTP APIs that answer: events and responses, authorisation, limits, and a real Chalice app behind one."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import chalice
import pytest
from botocore.credentials import Credentials
from support_http_api import ACCOUNT, Answer, BodyUnsigned, call, make_api
from support_localaws import RUNTIME

if TYPE_CHECKING:
    from collections.abc import Callable

    from support_localaws import Desk

# Answers with the event that it got, or as the query asks.
ECHO = """
import json, time
def handler(event, context):
    asked = event["queryStringParameters"] or {}
    time.sleep(float(asked.get("sleep", 0)))
    if "fail" in asked:
        raise KeyError("x")
    if "malformed" in asked:
        return {"body": "no status"}
    headers = {"content-type": "application/json", "x-arn": context.invoked_function_arn}
    cookies = {"set-cookie": ["a=1", "b=2"]}
    body = json.dumps(event)
    return {"statusCode": 201, "headers": headers, "multiValueHeaders": cookies, "body": body}
"""

# A Chalice app as people write them, and as `chalice package` lays it out.
TINY = """
from chalice import Chalice, ConflictError, Response
app = Chalice(app_name="tiny")

@app.route("/")
def index():
    return {"hello": "world"}

@app.route("/projects", methods=["GET", "POST"])
def projects():
    request = app.current_request
    if request.method == "POST":
        return Response(request.json_body, status_code=202, headers={"x-amzn-RequestId": "r-1"})
    return {"query": dict(request.query_params or {}), "all": (request.query_params or {}).getlist("word")}

@app.route("/projects/{name}/models/{version}/detect", methods=["POST"], content_types=["image/jpeg"])
def detect(name, version):
    identity = app.current_request.context["identity"]
    body = app.current_request.raw_body
    return {"name": name, "version": version, "bytes": list(body), "arn": identity["userArn"]}

@app.route("/pictures/{name}")
def picture(name):
    return Response(bytes(range(256)), headers={"Content-Type": "image/jpeg"})

@app.route("/conflict")
def conflict():
    raise ConflictError("it is there already")

@app.route("/broken")
def broken():
    raise KeyError("x")
"""
JPEG = bytes([0xFF, 0xD8, 0xFF, 0xE0, 0, 0x80, 0xFF, 0xD9])


def chalice_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("app.py", TINY)
        for module in Path(chalice.__file__).parent.glob("*.py"):
            archive.write(module, f"chalice/{module.name}")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def echo(desk: Desk) -> str:
    """ARN of the alias of a function that answers with its event."""
    return desk.deploy_alias(ECHO)


@pytest.fixture(scope="module")
def url(desk: Desk, echo: str) -> str:
    """Address of an API with IAM authorisation and many routes."""
    keys = [
        "GET /",
        "GET /pets/{id}",
        "ANY /pets/{id}",
        "GET /pets/cat",
        "ANY /files/{proxy+}",
        "POST /in/{a}",
    ]
    return address(desk, make_api(desk, dict.fromkeys(keys, echo), StageVariables={"colour": "red"}))


@pytest.fixture(scope="module")
def tiny(desk: Desk) -> str:
    """Address of a Chalice app with one API route for each of its own."""
    functions, name = desk.client("lambda"), desk.name("tiny")
    functions.create_function(
        FunctionName=name,
        Runtime=RUNTIME,
        Handler="app.app",
        Role=f"arn:aws:iam::{ACCOUNT}:role/lambda",
        Code={"ZipFile": chalice_zip()},
        Timeout=10,
        Publish=True,
    )
    alias = functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")["AliasArn"]
    detect = "POST /projects/{name}/models/{version}/detect"
    keys = ["GET /", "GET /projects", "POST /projects", detect, "GET /pictures/{name}", "GET /conflict"]
    return address(desk, make_api(desk, dict.fromkeys([*keys, "GET /broken"], alias)))


def address(desk: Desk, api: str) -> str:
    return f"{desk.aws.endpoint_url}/_localaws/http-api/{api}"


def refused(answer: Answer) -> tuple[int, str]:
    """Status and message of an answer that API Gateway itself gave."""
    assert answer.headers["apigw-requestid"]
    assert list(answer.json) == ["message"]
    return answer.status, answer.json["message"]


def test_the_functions_response_comes_back(url: str, echo: str) -> None:
    answer = call(f"{url}/")

    assert answer.status == 201
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["set-cookie"] == "a=1, b=2"
    assert answer.headers["apigw-requestid"] == answer.json["requestContext"]["requestId"]
    assert answer.headers["x-arn"] == echo


def test_the_event_is_payload_format_1_0(url: str) -> None:
    target = f"{url}/pets/big%20dog%2F1?word=a&word=b&empty="
    event = call(target, headers={"User-Agent": "me/1", "X-Colour": "blue"}).json

    api = url.rpartition("/")[2]
    assert event["version"] == "1.0"
    assert event["resource"] == event["requestContext"]["resourcePath"] == "/pets/{id}"
    assert event["path"] == event["requestContext"]["path"] == "/pets/big dog/1"
    assert event["httpMethod"] == event["requestContext"]["httpMethod"] == "GET"
    assert event["pathParameters"] == {"id": "big dog/1"}
    assert event["queryStringParameters"] == {"word": "a", "empty": ""}
    assert event["multiValueQueryStringParameters"] == {"word": ["a", "b"], "empty": [""]}
    assert event["headers"]["User-Agent"] == "me/1"
    assert event["multiValueHeaders"]["x-colour"] == ["blue"]
    assert event["stageVariables"] == {"colour": "red"}
    assert (event["body"], event["isBase64Encoded"]) == (None, False)
    context = event["requestContext"]
    assert (context["apiId"], context["accountId"], context["stage"]) == (api, ACCOUNT, "$default")
    assert context["domainName"] == f"{api}.execute-api.us-east-1.amazonaws.com"
    assert context["resourceId"] == "GET /pets/{id}"


def test_the_event_says_who_signed(url: str) -> None:
    identity = call(f"{url}/").json["requestContext"]["identity"]

    assert identity["accessKey"] == "test"
    assert identity["accountId"] == identity["user"] == identity["caller"] == ACCOUNT
    assert identity["userArn"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert identity["sourceIp"] == "127.0.0.1"


def test_the_most_specific_route_answers(url: str) -> None:
    def resource(method: str, path: str) -> str:
        return str(call(f"{url}{path}", method).json["requestContext"]["resourceId"])

    assert resource("GET", "/pets/cat") == "GET /pets/cat"
    assert resource("GET", "/pets/dog") == "GET /pets/{id}"
    assert resource("DELETE", "/pets/cat") == "ANY /pets/{id}"
    assert resource("PUT", "/files/a/b") == "ANY /files/{proxy+}"


@pytest.mark.parametrize("path", ["/nothing", "/pets", "/pets/cat/1", "/in/1"])
def test_a_path_without_a_route_is_not_found(url: str, path: str) -> None:
    assert refused(call(f"{url}{path}")) == (404, "Not Found")


def test_an_unknown_api_is_not_found(desk: Desk) -> None:
    assert refused(call(address(desk, "nobody"))) == (404, "Not Found")


def test_a_named_stage_is_part_of_the_path_that_the_function_sees(desk: Desk, echo: str) -> None:
    url = address(desk, make_api(desk, {"GET /pets": echo}, stage="v1"))

    event = call(f"{url}/v1/pets").json

    assert (event["path"], event["resource"], event["requestContext"]["stage"]) == ("/v1/pets", "/pets", "v1")
    assert refused(call(f"{url}/pets")) == (404, "Not Found")


def test_a_stage_that_is_not_deployed_is_not_found(desk: Desk, echo: str) -> None:
    api = make_api(desk, {"GET /": echo}, AutoDeploy=False)

    assert refused(call(address(desk, api))) == (404, "Not Found")


def test_the_host_name_tells_the_api_as_on_aws(desk: Desk, url: str) -> None:
    host = f"{url.rpartition('/')[2]}.execute-api.us-east-1.amazonaws.com"

    event = call(f"{desk.aws.endpoint_url}/pets/cat", headers={"Host": host}).json

    assert (event["path"], event["headers"]["Host"]) == ("/pets/cat", host)


def test_an_open_route_needs_no_signature(desk: Desk, echo: str) -> None:
    url = address(desk, make_api(desk, {"$default": echo}, authorization="NONE"))

    event = call(f"{url}/any/thing", credentials=None).json

    assert event["resource"] == "$default"
    assert event["path"] == "/any/thing"
    assert event["requestContext"]["identity"]["accessKey"] is None


def test_an_unsigned_request_is_refused(url: str) -> None:
    assert refused(call(f"{url}/", credentials=None)) == (403, "Forbidden")


def test_another_services_scope_is_refused(url: str) -> None:
    answer = call(f"{url}/", service="lookoutvision")

    assert refused(answer) == (403, "Credential should be scoped to correct service: 'execute-api'. ")
    assert answer.headers["x-amzn-errortype"] == "InvalidSignatureException"


def test_an_unknown_key_is_refused(url: str) -> None:
    answer = call(f"{url}/", credentials=Credentials("AKIAUNKNOWN", "test"))

    assert refused(answer) == (403, "The security token included in the request is invalid.")


def test_a_wrong_secret_is_refused(url: str) -> None:
    status, message = refused(call(f"{url}/", credentials=Credentials("test", "guess")))

    assert status == 403
    assert message.startswith("The request signature we calculated does not match")


def test_a_body_may_be_left_unsigned(url: str) -> None:
    unsigned = {"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}

    answer = call(f"{url}/in/1", "POST", body=JPEG, headers=unsigned, signer=BodyUnsigned)

    assert answer.status == 201


def test_keys_of_users_and_sessions_sign_too(desk: Desk, url: str) -> None:
    iam, name = desk.client("iam"), desk.name("user")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    role = f"arn:aws:iam::{ACCOUNT}:role/lambda"
    lent = desk.client("sts").assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]
    session = Credentials(lent["AccessKeyId"], lent["SecretAccessKey"], lent["SessionToken"])
    user = Credentials(key["AccessKeyId"], key["SecretAccessKey"])

    def arn(credentials: Credentials) -> str:
        answer = call(f"{url}/", credentials=credentials)
        return str(answer.json["requestContext"]["identity"]["userArn"])

    assert arn(user) == f"arn:aws:iam::{ACCOUNT}:user/{name}"
    assert arn(session) == f"arn:aws:sts::{ACCOUNT}:assumed-role/lambda/me"
    iam.update_access_key(UserName=name, AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert call(f"{url}/", credentials=user).status == 403
    assert call(f"{url}/", credentials=Credentials(session.access_key, session.secret_key)).status == 403


def test_a_function_signs_with_its_role(desk: Desk, url: str) -> None:
    source = f"""
import urllib.request, boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
def handler(event, context):
    request = AWSRequest("GET", "{url}/")
    SigV4Auth(boto3.Session().get_credentials(), "execute-api", "us-east-1").add_auth(request)
    sent = urllib.request.Request(request.url, headers=dict(request.headers))
    return urllib.request.urlopen(sent).read().decode()
"""
    result, _ = desk.invoke(desk.deploy(source))

    identity = json.loads(result)["requestContext"]["identity"]
    assert identity["userArn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/lambda/function"


def test_without_the_functions_permission_nothing_is_invoked(desk: Desk, echo: str) -> None:
    url = address(desk, make_api(desk, {"GET /": echo}, permitted=False))

    assert refused(call(url)) == (500, "Internal Server Error")


def test_an_integration_may_name_the_functions_arn_itself(desk: Desk, echo: str) -> None:
    url = address(desk, make_api(desk, {"GET /": echo}, integration={"IntegrationUri": echo}))

    assert call(url).status == 201


def test_what_is_not_emulated_fails_and_does_not_pass_for_something_else(desk: Desk, echo: str) -> None:
    format_2 = make_api(desk, {"GET /": echo}, integration={"PayloadFormatVersion": "2.0"})
    elsewhere = make_api(desk, {"GET /": echo}, integration={"IntegrationUri": "https://example.com"})
    jwt = make_api(desk, {"GET /": echo}, authorization="JWT")

    for api in (format_2, elsewhere, jwt):
        assert refused(call(address(desk, api))) == (500, "Internal Server Error")


@pytest.mark.parametrize("asked", ["fail", "malformed"])
def test_a_function_that_fails_is_an_internal_error(url: str, asked: str) -> None:
    assert refused(call(f"{url}/?{asked}=1")) == (500, "Internal Server Error")


def test_a_function_that_takes_too_long_is_unavailable(desk: Desk, echo: str) -> None:
    url = address(desk, make_api(desk, {"GET /": echo}, integration={"TimeoutInMillis": 50}))

    assert refused(call(f"{url}/?sleep=0.3")) == (503, "Service Unavailable")


def test_a_throttled_function_is_unavailable(desk: Desk) -> None:
    arn = desk.deploy_alias(ECHO)
    url = address(desk, make_api(desk, {"GET /": arn}))
    name = arn.split(":")[-2]
    desk.client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)

    assert refused(call(url)) == (503, "Service Unavailable")


def test_a_body_over_10_mb_is_too_large(url: str) -> None:
    answer = call(f"{url}/in/1", "POST", body=b"x" * (10 * 1024 * 1024 + 1))

    assert refused(answer) == (413, "Request Entity Too Large")


def test_a_body_that_lambda_would_not_take_is_too_large(url: str) -> None:
    answer = call(f"{url}/in/1", "POST", body=b"x" * 4_800_000, headers={"Content-Type": "image/jpeg"})

    assert refused(answer) == (413, "Request Entity Too Large")


def test_a_routes_own_limits_throttle_it(desk: Desk, echo: str) -> None:
    limits = {"ThrottlingBurstLimit": 2, "ThrottlingRateLimit": 0.001}
    routes = {"GET /slow": echo, "GET /free": echo}
    url = address(desk, make_api(desk, routes, RouteSettings={"GET /slow": limits}))

    assert [call(f"{url}/slow").status for _ in range(2)] == [201, 201]
    assert refused(call(f"{url}/slow")) == (429, "Too Many Requests")
    assert call(f"{url}/free").status == 201


def test_a_stages_limits_throttle_each_of_its_routes(desk: Desk, echo: str) -> None:
    limits = {"ThrottlingBurstLimit": 1, "ThrottlingRateLimit": 0.001}
    url = address(desk, make_api(desk, {"GET /a": echo, "GET /b": echo}, DefaultRouteSettings=limits))

    assert [call(f"{url}/{path}").status for path in "aabb"] == [201, 429, 201, 429]


def test_chalice_finds_its_routes(tiny: str) -> None:
    assert call(f"{tiny}/").json == {"hello": "world"}
    assert call(f"{tiny}/projects?word=a&word=b").json["all"] == ["a", "b"]


def test_chalice_gets_json_and_answers_with_status_and_headers(tiny: str) -> None:
    body, headers = json.dumps({"é": [1]}), {"Content-Type": "application/json"}

    answer = call(f"{tiny}/projects", "POST", body=body, headers=headers)

    assert (answer.status, answer.json) == (202, {"é": [1]})
    assert answer.headers["x-amzn-requestid"] == "r-1"


def test_chalice_gets_a_picture_byte_for_byte(tiny: str) -> None:
    headers = {"Content-Type": "image/jpeg"}

    answer = call(f"{tiny}/projects/p%20q/models/1/detect", "POST", body=JPEG, headers=headers).json

    assert (answer["name"], answer["version"], bytes(answer["bytes"])) == ("p q", "1", JPEG)
    assert answer["arn"] == f"arn:aws:iam::{ACCOUNT}:root"


def test_chalice_answers_with_a_picture_byte_for_byte(tiny: str) -> None:
    answer = call(f"{tiny}/pictures/a.jpg", headers={"Accept": "image/jpeg"})

    assert answer.content == bytes(range(256))
    assert answer.headers["content-type"] == "image/jpeg"


def test_chalices_errors_keep_their_status(tiny: str) -> None:
    conflict, broken = call(f"{tiny}/conflict"), call(f"{tiny}/broken")

    assert conflict.status == 409
    assert conflict.json == {"Code": "ConflictError", "Message": "it is there already"}
    assert broken.status == 500


@pytest.fixture
def lookout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str, str], Any]:
    """Makes a boto3 `lookoutvision` client of an API, by environment variables alone."""
    extras = tmp_path / "lookoutvision" / "2020-11-20" / "service-2.sdk-extras.json"
    extras.parent.mkdir(parents=True)
    merge = {"metadata": {"signingName": "execute-api"}}
    extras.write_text(json.dumps({"version": 1.0, "merge": merge}))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")

    def client(url: str, data_path: str = str(tmp_path)) -> Any:
        import boto3

        monkeypatch.setenv("AWS_DATA_PATH", data_path)
        monkeypatch.setenv("AWS_ENDPOINT_URL_LOOKOUTVISION", url)
        session: Any = boto3.Session(region_name="us-east-1")  # knows no service of this name to type
        if "lookoutvision" not in session.get_available_services():
            pytest.skip("the package botocore-a-la-carte-lookoutvision is not installed")
        return session.client("lookoutvision")

    return client


ANOMALOUS = """
import base64, json
def handler(event, context):
    picture = base64.b64decode(event["body"])
    result = {"IsAnomalous": picture[:2] == b"\\xff\\xd8", "Confidence": len(picture) / 100}
    return {"statusCode": 200, "body": json.dumps({"DetectAnomalyResult": result}),
            "headers": {"content-type": "application/json", "x-amzn-RequestId": event["path"]}}
"""
TAGS = """
import json
def handler(event, context):
    tags = [{"Key": "arn", "Value": event["pathParameters"]["arn"]}]
    return {"statusCode": 200, "body": json.dumps({"Tags": tags}),
            "headers": {"content-type": "application/json"}}
"""


def test_a_real_boto3_client_signs_the_prefix_and_the_function_does_not_see_it(
    desk: Desk, lookout: Callable[..., Any]
) -> None:
    key = "POST /2020-11-20/projects/{projectName}/models/{modelVersion}/detect"
    client = lookout(address(desk, make_api(desk, {key: desk.deploy_alias(ANOMALOUS)})))

    answer = client.detect_anomalies(
        ProjectName="p", ModelVersion="1", Body=bytearray(JPEG), ContentType="image/jpeg"
    )

    assert answer["DetectAnomalyResult"] == {"IsAnomalous": True, "Confidence": len(JPEG) / 100}
    assert answer["ResponseMetadata"]["RequestId"] == "/2020-11-20/projects/p/models/1/detect"
    assert answer["ResponseMetadata"]["HTTPHeaders"]["date"]


def test_a_real_boto3_client_reaches_a_parameter_with_slashes(
    desk: Desk, lookout: Callable[..., Any]
) -> None:
    client = lookout(address(desk, make_api(desk, {"GET /2020-11-20/tags/{arn}": desk.deploy_alias(TAGS)})))
    arn = f"arn:aws:lookoutvision:us-east-1:{ACCOUNT}:model/p q/1"

    assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "arn", "Value": arn}]


def test_a_real_boto3_client_without_the_changed_signing_name_is_refused(
    lookout: Callable[..., Any], url: str
) -> None:
    from botocore.exceptions import ClientError

    client = lookout(f"{url}/files", data_path="")

    with pytest.raises(ClientError, match="scoped to correct service: 'execute-api'"):
        client.list_projects()
