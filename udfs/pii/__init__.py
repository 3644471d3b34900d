"""Personal data: finding it and masking it.

Who may call what: jobs use ``udfs.pii.step.Mask``; the bench uses ``udfs.pii.evaluate``; a site that adds recognisers
imports ``udfs.pii.recogniser`` and ``udfs.pii.registry``. The rest is inner workings. One recogniser (or a small
family) is one file under ``recognisers/``; being there is being registered.
"""
