"""Approval of application documents: a folder per application in, a proposed decision with its reasons out.

An application is not a row of a stream: it is a folder of foreign files that takes from a tenth of a second to many
seconds, and whatever happens to it, it ends as a decision, if need be as a referral. So it has no chain of steps and no
dead letters; `approver` is the whole way of one application, and every engine calls it:

    folders    folders, forms, fingerprints, duplicates
    approver   folder -> Decision and report
    lines      the JSON line of a decision, and a file of such lines as a register
    automation the circuit breaker's state in HOME
    batch      the Beam job: decide one folder and store it

Called by ``pipelines.cli`` (``approve``, ``submit approval``) and ``pipelines.bench``.
"""

NAME = "approval"
PURPOSE = "Propose a decision on an application that a person or an enterprise has made, so that it is answered sooner."
LAWFUL_BASIS = "statutory_duty"
