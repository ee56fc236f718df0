"""IAM as AWS decides it: policies evaluated, and a gate in front of the services that asks them.

moto keeps policies and lets everything pass; its own enforcement looks at neither resources nor conditions.
The rules are those of the IAM user guide, "Policy evaluation logic" and "IAM JSON policy elements reference":
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html.
"""

from __future__ import annotations

from localaws.iam.evaluation import Decision, Request, decide, trusts
from localaws.iam.policies import Statement, statements

__all__ = ["Decision", "Request", "Statement", "decide", "statements", "trusts"]
