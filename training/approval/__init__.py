"""How the weights of confidence in extraction were fitted. Training-only: nothing here is installed.

python -m loadtest.applications --output DIR --count N --seed S --split tune --kinds text,clean,poor
python -m training.approval.records DIR --output RECORDS.jsonl [--part k/n]
python -m udfs.extraction.calibrate RECORDS.jsonl --output udfs/extraction/calibration.json --version NAME
"""
