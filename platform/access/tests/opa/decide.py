"""Answers questions by OPA's own library: the Rego files of some folders, and a question a line on standard
input; prints a JSON line for each: what `data.studio.access.decision` is, null where it is undefined, and a
string where a function was called with what it does not take, which this library does not pass over."""

import json
import sys
from pathlib import Path

from opa_bindings import OpaEngine, OpaError, OpaUndefinedError

with OpaEngine() as engine:
    for folder in sys.argv[1:]:
        for file in sorted(Path(folder).glob("*.rego")):
            if not file.name.endswith("_test.rego"):
                engine.add_policy(str(file), file.read_text())
    for line in sys.stdin:
        try:
            answer = engine.eval_document("studio.access.decision", json.loads(line))
        except OpaUndefinedError:
            answer = None
        except OpaError as error:
            if "eval_type_error" not in str(error):
                raise
            answer = str(error)
        print(json.dumps(answer))
