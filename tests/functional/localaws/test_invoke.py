"""Synchronous invocation: every answer that Lambda's Invoke can give, by either Runtime API client."""

from __future__ import annotations

import base64
import json
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from support_localaws import zipped

if TYPE_CHECKING:
    from support_localaws import Desk

ECHO = """
import os
count = 0
def handler(event, context):
    global count
    count += 1
    print("counting", count)
    return {
        "event": event, "count": count, "env": dict(os.environ),
        "cwd": os.getcwd(), "pid": os.getpid(),
        "arn": context.invoked_function_arn, "left": context.get_remaining_time_in_millis(),
        "id": context.aws_request_id, "version": context.function_version,
        "memory": context.memory_limit_in_mb,
        "group": context.log_group_name, "stream": context.log_stream_name,
    }
"""


def refusal(call: Any, *args: Any, **options: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as caught:
        call(*args, **options)
    response = caught.value.response
    return str(response["Error"]["Code"]), int(response["ResponseMetadata"]["HTTPStatusCode"])


def test_the_handler_gets_the_event_and_its_result_comes_back(any_client: Desk) -> None:
    result, answer = any_client.invoke(any_client.deploy(ECHO), {"é": [1]})

    assert result["event"] == {"é": [1]}
    assert answer["StatusCode"] == 200
    assert answer["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in answer


def test_the_context_says_what_lambdas_context_says(any_client: Desk) -> None:
    arn = any_client.deploy_alias(ECHO, Timeout=7, MemorySize=256)

    result, answer = any_client.invoke(arn)

    assert result["arn"] == arn
    assert 0 < result["left"] <= 7000
    assert result["memory"] == "256"
    assert result["version"] == "1"
    assert result["id"] == answer["ResponseMetadata"]["RequestId"]
    assert result["group"] == f"/aws/lambda/{arn.split(':')[-2]}"


def test_a_warm_worker_is_used_again_and_keeps_its_state(any_client: Desk) -> None:
    name = any_client.deploy(ECHO)

    results = [any_client.invoke(name)[0] for _ in range(3)]

    assert [result["count"] for result in results] == [1, 2, 3]
    assert len({result["pid"] for result in results}) == 1


def test_the_environment_is_lambdas_and_nothing_leaks_in(
    any_client: Desk,
) -> None:
    result, _ = any_client.invoke(any_client.deploy(ECHO, Environment={"Variables": {"COLOUR": "red"}}))

    env = result["env"]
    assert env["COLOUR"] == "red"
    assert env["AWS_ENDPOINT_URL"] == any_client.aws.endpoint_url
    assert env["AWS_REGION"] == "us-east-1"
    assert env["LAMBDA_TASK_ROOT"] == result["cwd"]
    lambdas_own = ("AWS_", "LAMBDA_", "_HANDLER", "_X_AMZN_TRACE_ID", "TZ", "LANG", "LC_CTYPE", "PATH")
    assert [name for name in env if not name.startswith(lambdas_own)] == ["COLOUR"]


def test_an_exception_is_an_unhandled_error_with_lambdas_description(any_client: Desk) -> None:
    name = any_client.deploy("def handler(event, context):\n    raise ValueError('no such cell')\n")

    result, answer = any_client.invoke(name)

    assert answer["FunctionError"] == "Unhandled"
    assert result["errorType"] == "ValueError"
    assert result["errorMessage"] == "no such cell"
    assert "line 2, in handler" in result["stackTrace"][0]


def test_after_an_exception_the_worker_goes_on(any_client: Desk) -> None:
    source = "import os\ndef handler(event, context):\n    if event: raise KeyError\n    return os.getpid()\n"
    name = any_client.deploy(source)

    before, _ = any_client.invoke(name)
    any_client.invoke(name, {"fail": True})
    after, _ = any_client.invoke(name)

    assert before == after


def test_a_module_that_cannot_be_imported_is_an_import_module_error(any_client: Desk) -> None:
    result, answer = any_client.invoke(any_client.deploy("import no_such_module\n"))

    assert answer["FunctionError"] == "Unhandled"
    assert result["errorType"] == "Runtime.ImportModuleError"
    assert "No module named 'no_such_module'" in result["errorMessage"]


def test_a_missing_handler_is_handler_not_found(any_client: Desk) -> None:
    result, _ = any_client.invoke(any_client.deploy("x = 1\n"))

    assert result["errorType"] == "Runtime.HandlerNotFound"


def test_a_crash_is_an_exit_error_and_the_next_invocation_gets_a_new_worker(any_client: Desk) -> None:
    source = "import os\ndef handler(event, context):\n    if event: os._exit(7)\n    return os.getpid()\n"
    name = any_client.deploy(source)
    before, _ = any_client.invoke(name)

    result, answer = any_client.invoke(name, {"crash": True})
    after, _ = any_client.invoke(name)

    assert answer["FunctionError"] == "Unhandled"
    assert result["errorType"] == "Runtime.ExitError"
    assert result["errorMessage"].endswith("Error: Runtime exited with error: exit status 7")
    assert before != after


def test_a_handler_that_takes_too_long_is_stopped(any_client: Desk) -> None:
    name = any_client.deploy("import time\ndef handler(event, context):\n    time.sleep(60)\n", Timeout=1)

    result, answer = any_client.invoke(name, LogType="Tail")

    assert answer["FunctionError"] == "Unhandled"
    assert result["errorType"] == "Sandbox.Timedout"
    assert result["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    assert "Status: timeout" in base64.b64decode(answer["LogResult"]).decode()


def test_the_log_tail_comes_with_the_answer(any_client: Desk) -> None:
    _, answer = any_client.invoke(any_client.deploy(ECHO), LogType="Tail")

    tail = base64.b64decode(answer["LogResult"]).decode()
    assert "counting 1" in tail
    assert "REPORT RequestId: " in tail


def test_the_code_folder_is_read_only(any_client: Desk) -> None:
    source = "import os\ndef handler(event, context):\n    open(os.environ['LAMBDA_TASK_ROOT'] + '/x', 'w')\n"
    result, _ = any_client.invoke(any_client.deploy(source))

    assert result["errorType"] == "OSError"
    assert "Read-only file system" in result["errorMessage"]


def test_a_temporary_folder_is_removed_with_what_is_in_it(any_client: Desk) -> None:
    source = (
        "import os, tempfile\ndef handler(event, context):\n"
        "    with tempfile.TemporaryDirectory() as folder:\n"
        "        os.makedirs(folder + '/test')\n        open(folder + '/test/x', 'w').close()\n"
        "    return os.path.exists(folder)\n"
    )
    result, _ = any_client.invoke(any_client.deploy(source))

    assert result is False


def test_the_functions_own_packages_win_over_the_desks(desk: Desk) -> None:
    name = desk.deploy("import spotcheck\ndef handler(event, context):\n    return spotcheck.__file__\n")

    result, _ = desk.invoke(name)
    assert result["errorType"] == "Runtime.ImportModuleError"

    desk.client("lambda").update_function_code(
        FunctionName=name,
        ZipFile=zipped("def handler(event, context):\n    return __file__\n", "spotcheck.py"),
    )
    desk.client("lambda").update_function_configuration(FunctionName=name, Handler="spotcheck.handler")
    result, _ = desk.invoke(name)
    assert result.endswith("/spotcheck.py")


@pytest.mark.skipif(sys.platform != "linux", reason="layers hold Linux wheels")
def test_layers_built_for_this_interpreter_are_imported(desk: Desk) -> None:
    layer = desk.client("lambda").publish_layer_version(
        LayerName="words", Content={"ZipFile": zipped("WORD = 'from the layer'\n", "python/words.py")}
    )
    source = "import words\ndef handler(event, context):\n    return words.WORD\n"

    _, _, machine = desk.aws.health()["lambda"]["interpreter"].partition(" ")
    options = {"Layers": [layer["LayerVersionArn"]], "Architectures": [machine]}
    result, _ = desk.invoke(desk.deploy(source, **options))

    assert result == "from the layer"


def test_an_event_invocation_answers_202_at_once(desk: Desk) -> None:
    _, answer = desk.invoke(desk.deploy(ECHO), InvocationType="Event")

    assert answer["StatusCode"] == 202


def test_a_dry_run_runs_nothing(desk: Desk) -> None:
    name = desk.deploy(ECHO)

    _, answer = desk.invoke(name, InvocationType="DryRun")

    assert answer["StatusCode"] == 204
    assert desk.invoke(name)[0]["count"] == 1


def test_an_unknown_function_alias_or_version_is_not_found(desk: Desk) -> None:
    name = desk.deploy(ECHO)
    invoke = desk.client("lambda").invoke

    assert refusal(invoke, FunctionName="nobody") == ("ResourceNotFoundException", 404)
    assert refusal(invoke, FunctionName=name, Qualifier="live") == ("ResourceNotFoundException", 404)
    assert refusal(invoke, FunctionName=name, Qualifier="9", InvocationType="Event") == (
        "ResourceNotFoundException",
        404,
    )


def test_an_alias_runs_the_version_it_points_to(desk: Desk) -> None:
    arn = desk.deploy_alias("def handler(event, context):\n    return 'one'\n")
    name, functions = arn.split(":")[-2], desk.client("lambda")
    assert desk.invoke(arn)[0] == "one"

    functions.update_function_code(
        FunctionName=name, ZipFile=zipped("def handler(event, context):\n    return 'two'\n"), Publish=True
    )
    assert desk.invoke(arn)[0] == "one"
    assert desk.invoke(name)[0] == "two"

    functions.update_alias(FunctionName=name, Name="live", FunctionVersion="2")
    result, answer = desk.invoke(name, Qualifier="live")
    assert (result, answer["ExecutedVersion"]) == ("two", "2")


def test_a_changed_environment_needs_a_new_worker(desk: Desk) -> None:
    name = desk.deploy("import os\ndef handler(event, context):\n    return os.environ.get('COLOUR')\n")
    assert desk.invoke(name)[0] is None

    desk.client("lambda").update_function_configuration(
        FunctionName=name, Environment={"Variables": {"COLOUR": "red"}}
    )

    assert desk.invoke(name)[0] == "red"


def test_payloads_over_lambdas_limits_are_refused(desk: Desk) -> None:
    name, invoke = desk.deploy(ECHO), desk.client("lambda").invoke
    six_megabytes = json.dumps("x" * 6_291_456)
    one_megabyte = json.dumps("x" * 1_048_576)

    assert refusal(invoke, FunctionName=name, Payload=six_megabytes) == ("RequestTooLargeException", 413)
    assert refusal(invoke, FunctionName=name, Payload=one_megabyte, InvocationType="Event") == (
        "RequestTooLargeException",
        413,
    )


def test_a_response_over_the_limit_is_an_error(desk: Desk) -> None:
    result, answer = desk.invoke(
        desk.deploy("def handler(event, context):\n    return 'x' * 7_000_000\n"),
    )

    assert answer["FunctionError"] == "Unhandled"
    assert result["errorType"] == "Function.ResponseSizeTooLarge"


def test_a_payload_that_is_no_json_is_refused(desk: Desk) -> None:
    code, status = refusal(desk.client("lambda").invoke, FunctionName=desk.deploy(ECHO), Payload=b"{")

    assert (code, status) == ("InvalidRequestContentException", 400)


def test_variables_over_4_kb_or_reserved_are_refused(desk: Desk) -> None:
    code, _ = refusal(desk.deploy, ECHO, Environment={"Variables": {"LONG": "x" * 4096}})
    assert code == "InvalidParameterValueException"

    code, _ = refusal(desk.deploy, ECHO, Environment={"Variables": {"AWS_REGION": "mars"}})
    assert code == "InvalidParameterValueException"


def test_reserved_concurrency_throttles_further_callers(desk: Desk) -> None:
    name = desk.deploy("import time\ndef handler(event, context):\n    time.sleep(event)\n    return 1\n")
    desk.invoke(name, 0)
    desk.client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    quick = desk.aws.client("lambda", config=_no_retries())
    barrier = threading.Barrier(2)
    outcomes = []

    def call() -> None:
        barrier.wait()
        try:
            outcomes.append(quick.invoke(FunctionName=name, Payload=b"1")["StatusCode"])
        except ClientError as error:
            outcomes.append(error.response["Error"]["Code"])

    threads = [threading.Thread(target=call) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes, key=str) == [200, "TooManyRequestsException"]


def test_workers_are_never_more_than_the_limit(desk: Desk) -> None:
    source = "import time\ndef handler(event, context):\n    time.sleep(0.05)\n"
    names = [desk.deploy(source) for _ in range(3)]
    most = [0]

    def call(name: str) -> None:
        desk.aws.client("lambda").invoke(FunctionName=name)
        most.append(desk.aws.health()["lambda"]["workers"])

    threads = [threading.Thread(target=call, args=(name,)) for name in names * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert max(most) <= 3


def test_a_function_that_starts_slowly_is_started_once_more_within_its_timeout(desk: Desk) -> None:
    source = "import time\ntime.sleep(30)\ndef handler(event, context):\n    return 1\n"

    result, _ = desk.invoke(desk.deploy(source, Timeout=1))

    assert result["errorType"] == "Sandbox.Timedout"


def _no_retries() -> Any:
    from botocore.config import Config

    return Config(retries={"total_max_attempts": 1})
