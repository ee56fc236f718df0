"""Handles incoming MediaConvert requests, invokes methods, returns responses."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, BaseResponse, EmptyResult

from localaws.mediaconvert.models import MediaConvertBackend, mediaconvert_backends
from localaws.mediaconvert.validation import parse_request


class MediaConvertResponse(BaseResponse):
    """One method per operation; each parses, calls the backend and hands on what comes back."""

    def __init__(self) -> None:
        super().__init__(service_name="mediaconvert")

    @property
    def mediaconvert_backend(self) -> MediaConvertBackend:
        """The backend of this request's account and region."""
        return mediaconvert_backends[self.current_account][self.region]

    @property
    def _request(self) -> dict[str, Any]:
        return parse_request(
            self._get_action(), self.body, uri=self.uri_match, query=self.normalized_request.args.to_dict()
        )

    def create_job(self) -> ActionResult:
        """CreateJob."""
        return ActionResult({"Job": self.mediaconvert_backend.create_job(self._request)})

    def get_job(self) -> ActionResult:
        """GetJob."""
        job = self.mediaconvert_backend.get_job(self._request["Id"])
        return ActionResult({"Job": job.to_dict()})

    def list_jobs(self) -> ActionResult:
        """ListJobs."""
        request = self._request
        jobs, next_token = self.mediaconvert_backend.list_jobs(
            status=request.get("Status"),
            queue=request.get("Queue"),
            order=request.get("Order"),
            max_results=request.get("MaxResults"),
            next_token=request.get("NextToken"),
        )
        return ActionResult({"Jobs": [job.to_dict() for job in jobs], "NextToken": next_token})

    def search_jobs(self) -> ActionResult:
        """SearchJobs."""
        request = self._request
        jobs, next_token = self.mediaconvert_backend.list_jobs(
            status=request.get("Status"),
            queue=request.get("Queue"),
            input_file=request.get("InputFile"),
            order=request.get("Order"),
            max_results=request.get("MaxResults"),
            next_token=request.get("NextToken"),
        )
        return ActionResult({"Jobs": [job.to_dict() for job in jobs], "NextToken": next_token})

    def cancel_job(self) -> ActionResult:
        """CancelJob."""
        self.mediaconvert_backend.cancel_job(self._request["Id"])
        return EmptyResult()

    def create_queue(self) -> ActionResult:
        """CreateQueue."""
        queue = self.mediaconvert_backend.create_queue(self._request)
        return ActionResult({"Queue": queue.to_dict()})

    def get_queue(self) -> ActionResult:
        """GetQueue."""
        queue = self.mediaconvert_backend.get_queue(self._request["Name"])
        return ActionResult({"Queue": queue.to_dict(list(self.mediaconvert_backend.jobs.values()))})

    def update_queue(self) -> ActionResult:
        """UpdateQueue."""
        queue = self.mediaconvert_backend.update_queue(self._request)
        return ActionResult({"Queue": queue.to_dict(list(self.mediaconvert_backend.jobs.values()))})

    def list_queues(self) -> ActionResult:
        """ListQueues."""
        request = self._request
        backend = self.mediaconvert_backend
        queues, next_token = backend.list_queues(
            list_by=request.get("ListBy"),
            order=request.get("Order"),
            max_results=request.get("MaxResults"),
            next_token=request.get("NextToken"),
        )
        jobs = list(backend.jobs.values())
        return ActionResult(
            {
                "Queues": [queue.to_dict(jobs) for queue in queues],
                "NextToken": next_token,
                "TotalConcurrentJobs": backend.total_concurrent_jobs(),
            }
        )

    def delete_queue(self) -> ActionResult:
        """DeleteQueue."""
        self.mediaconvert_backend.delete_queue(self._request["Name"])
        return EmptyResult()

    def tag_resource(self) -> ActionResult:
        """TagResource."""
        request = self._request
        self.mediaconvert_backend.tag_resource(request["Arn"], request["Tags"])
        return EmptyResult()

    def untag_resource(self) -> ActionResult:
        """UntagResource."""
        request = self._request
        self.mediaconvert_backend.untag_resource(request["Arn"], request.get("TagKeys", []))
        return EmptyResult()

    def list_tags_for_resource(self) -> ActionResult:
        """ListTagsForResource."""
        arn = self._request["Arn"]
        tags = self.mediaconvert_backend.list_tags_for_resource(arn)
        return ActionResult({"ResourceTags": {"Arn": arn, "Tags": tags}})

    def describe_endpoints(self) -> ActionResult:
        """DescribeEndpoints, deprecated by AWS: every request may go to the regional endpoint."""
        url = f"{self.parsed_url.scheme}://{self.parsed_url.netloc}"
        return ActionResult({"Endpoints": [{"Url": url}]})
