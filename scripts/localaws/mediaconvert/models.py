"""MediaConvert's backend: queues, jobs and tags of one account and region."""

from __future__ import annotations

import base64
import secrets
import string
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from moto.core.base_backend import BackendDict, BaseBackend
from moto.utilities.tagging_service import TaggingService

from localaws.mediaconvert import runner
from localaws.mediaconvert.config import config
from localaws.mediaconvert.events import EventBus
from localaws.mediaconvert.exceptions import BadRequestException, ConflictException, NotFoundException
from localaws.mediaconvert.job_rules import check_job
from localaws.mediaconvert.jobs import DEFAULT_CONCURRENT_JOBS, FINAL_STATES, Job, Queue
from localaws.mediaconvert.scheduler import Scheduler

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MAX_RESULTS = 20
_ID_CHARACTERS = string.ascii_lowercase + string.digits

T = TypeVar("T")


class MediaConvertBackend(BaseBackend):
    """Implementation of MediaConvert APIs."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.jobs: dict[str, Job] = {}
        self.queues: dict[str, Queue] = {}
        self.tagger = TaggingService()
        self._tokens: dict[str, tuple[Job, float]] = {}
        self._accepting = threading.Lock()
        self._scheduler = Scheduler(runner.run)
        self._add_queue({"Name": "Default"}, system=True)

    def reset(self) -> None:
        """Forgets everything; running conversions are stopped first."""
        self._scheduler.close()
        super().reset()

    # Jobs

    def create_job(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Accepts a job.

        A ClientRequestToken gives back the job it made for a minute; after that it makes another.

        Args:
            request: Parsed against the service model.

        Returns:
            The job as it was accepted, or as it is now where a token gave it back.

        Raises:
            BadRequestException: if the settings break a rule.
            NotFoundException: if there is no such queue.
        """
        with self._accepting:
            job, is_new = self._accept(request)
            accepted = job.to_dict()  # before it starts: AWS answers SUBMITTED
        if is_new:
            self._scheduler.submit(job)
        return accepted

    def _accept(self, request: Mapping[str, Any]) -> tuple[Job, bool]:
        """The job of a request, and whether it is a new one."""
        now, token = config.clock(), request.get("ClientRequestToken")
        earlier = self._tokens.get(token) if token else None
        if earlier is not None and now - earlier[1] < config.token_seconds:
            return earlier[0], False
        check_job(request)
        queue = self.get_queue(request.get("Queue", "Default"))
        suffix = "".join(secrets.choice(_ID_CHARACTERS) for _ in range(6))
        job = Job(request, f"{int(now * 1000)}-{suffix}", queue, now, len(self.jobs))
        self.jobs[job.id] = job
        if token:
            self._remember(token, job, now)
        self.tag_resource(job.arn, request.get("Tags", {}))
        return job, True

    def get_job(self, job_id: str) -> Job:
        """Finds a job.

        Raises:
            NotFoundException: if there is none.
        """
        if job_id not in self.jobs:
            message = f"The job with id {job_id} was not found."
            raise NotFoundException(message)
        return self.jobs[job_id]

    def list_jobs(
        self,
        *,
        status: str | None = None,
        queue: str | None = None,
        input_file: str | None = None,
        order: str | None = None,
        max_results: int | None = None,
        next_token: str | None = None,
    ) -> tuple[list[Job], str | None]:
        """Jobs of all or one state and queue, newest first unless ASCENDING.

        Args:
            status: Only jobs in this state.
            queue: Only jobs of this queue, by name or ARN.
            input_file: Only jobs one of whose inputs contains this text (SearchJobs).
            order: ASCENDING or DESCENDING by creation.
            max_results: 1 to 20.
            next_token: From the page before.

        Returns:
            A page of jobs, and the token of the next one.

        Raises:
            BadRequestException: if the token is none of ours.
            NotFoundException: if there is no such queue.
        """
        wanted = self.get_queue(queue) if queue else None
        found = [
            job
            for job in self.jobs.values()
            if (status is None or job.status == status)
            and (wanted is None or job.queue is wanted)
            and (input_file is None or _reads(job, input_file))
        ]
        found.sort(key=lambda job: job.sequence, reverse=order != "ASCENDING")
        return _page(found, lambda job: job.id, max_results, next_token)

    def cancel_job(self, job_id: str) -> None:
        """Cancels a job that has not ended.

        Raises:
            NotFoundException: if there is none.
            ConflictException: if it has ended.
        """
        job = self.get_job(job_id)
        if not job.end("CANCELED", config.clock()):
            message = f"The job with id {job_id} is {job.status} and can no longer be canceled."
            raise ConflictException(message)
        self._scheduler.cancel(job)
        EventBus(self.account_id, self.region_name).put(job, "CANCELED")

    # Queues

    def create_queue(self, request: Mapping[str, Any]) -> Queue:
        """Makes a queue.

        Raises:
            ConflictException: if there is one of that name.
        """
        if request["Name"] in self.queues:
            message = f"The queue with name {request['Name']} already exists."
            raise ConflictException(message)
        return self._add_queue(request, system=False)

    def get_queue(self, name_or_arn: str) -> Queue:
        """Finds a queue by name or ARN.

        Raises:
            NotFoundException: if there is none.
        """
        prefix = self._arn("queues/")
        name = name_or_arn.removeprefix(prefix)
        if name not in self.queues:
            message = f"The queue with name {name} was not found."
            raise NotFoundException(message)
        return self.queues[name]

    def update_queue(self, request: Mapping[str, Any]) -> Queue:
        """Changes a queue; waiting jobs of a queue that becomes ACTIVE start.

        Raises:
            NotFoundException: if there is none.
        """
        queue = self.get_queue(request["Name"])
        queue.update(request, config.clock())
        self._scheduler.wake()
        return queue

    def list_queues(
        self,
        *,
        list_by: str | None = None,
        order: str | None = None,
        max_results: int | None = None,
        next_token: str | None = None,
    ) -> tuple[list[Queue], str | None]:
        """A page of queues, by creation or NAME, and the token of the next page.

        Raises:
            BadRequestException: if the token is none of ours.
        """
        queues = list(self.queues.values())
        if list_by == "NAME":
            queues.sort(key=lambda queue: queue.name)
        if order == "DESCENDING":
            queues.reverse()
        return _page(queues, lambda queue: queue.name, max_results, next_token)

    def delete_queue(self, name: str) -> None:
        """Deletes a queue.

        Raises:
            BadRequestException: if it is the Default queue.
            ConflictException: if jobs wait or run in it.
            NotFoundException: if there is none.
        """
        queue = self.get_queue(name)
        if queue.type == "SYSTEM":
            message = "The Default queue cannot be deleted."
            raise BadRequestException(message)
        if any(job.queue is queue and job.status not in FINAL_STATES for job in self.jobs.values()):
            message = f"The queue with name {name} has jobs that are not finished."
            raise ConflictException(message)
        del self.queues[queue.name]
        self.tagger.delete_all_tags_for_resource(queue.arn)

    # Tags and endpoints

    def tag_resource(self, arn: str, tags: Mapping[str, str]) -> None:
        """Adds tags to a job or queue, or changes them.

        Raises:
            NotFoundException: if there is no such resource.
        """
        self._check_resource(arn)
        self.tagger.tag_resource(arn, TaggingService.convert_dict_to_tags_input(dict(tags)))

    def untag_resource(self, arn: str, keys: Sequence[str]) -> None:
        """Takes tags off a job or queue.

        Raises:
            NotFoundException: if there is no such resource.
        """
        self._check_resource(arn)
        self.tagger.untag_resource_using_names(arn, list(keys))

    def list_tags_for_resource(self, arn: str) -> dict[str, str]:
        """Tags of a job or queue.

        Raises:
            NotFoundException: if there is no such resource.
        """
        self._check_resource(arn)
        return self.tagger.get_tag_dict_for_resource(arn)

    def total_concurrent_jobs(self) -> int:
        """How many jobs an account may run at once, over all its on-demand queues."""
        return DEFAULT_CONCURRENT_JOBS

    def _remember(self, token: str, job: Job, now: float) -> None:
        for old in [t for t, (_job, at) in self._tokens.items() if now - at >= config.token_seconds]:
            del self._tokens[old]
        self._tokens[token] = (job, now)

    def _add_queue(self, request: Mapping[str, Any], *, system: bool) -> Queue:
        queue = Queue(request, self._arn(f"queues/{request['Name']}"), system=system, now=config.clock())
        self.queues[queue.name] = queue
        self.tag_resource(queue.arn, request.get("Tags", {}))
        return queue

    def _arn(self, resource: str) -> str:
        return f"arn:{self.partition}:mediaconvert:{self.region_name}:{self.account_id}:{resource}"

    def _check_resource(self, arn: str) -> None:
        kind, _, name = arn.removeprefix(self._arn("")).partition("/")
        known = {"queues": list(self.queues), "jobs": list(self.jobs)}
        if name not in known.get(kind, []):
            message = f"The resource with ARN {arn} was not found."
            raise NotFoundException(message)


def _reads(job: Job, text: str) -> bool:
    return any(text in given["FileInput"] for given in job.settings["Inputs"])


def _page(
    items: Sequence[T], key: Callable[[T], str], max_results: int | None, next_token: str | None
) -> tuple[list[T], str | None]:
    start = 0
    if next_token:
        try:
            last = base64.urlsafe_b64decode(next_token).decode()
            start = [key(item) for item in items].index(last) + 1
        except ValueError as error:
            message = "The nextToken is not valid."
            raise BadRequestException(message) from error
    page = list(items[start : start + (max_results or MAX_RESULTS)])
    more = start + len(page) < len(items)
    token = base64.urlsafe_b64encode(key(page[-1]).encode()).decode() if page and more else None
    return page, token


mediaconvert_backends = BackendDict(MediaConvertBackend, "mediaconvert")
