"""docs/openapi.yaml as a judge: every answer is held against it, and what was asked is remembered."""
import json
import pathlib
import re

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
METHODS = ("get", "put", "post", "delete", "patch")


class Description:
    def __init__(self) -> None:
        self.document = yaml.safe_load((ROOT / "docs/openapi.yaml").read_text())
        self.asked: set[str] = set()
        self._resolver = jsonschema.RefResolver("", self.document)
        # Literal segments before {names}: "/services/{name}" must not hide a path that is written out.
        self._paths = [
            (re.compile("".join("[^/]+" if part.startswith("{") else re.escape(part)
                                for part in re.split(r"(\{[^}]+\})", path))), path)
            for path in sorted(self.document["paths"], key=lambda path: path.count("{"))
        ]

    def operations(self) -> set[str]:
        return {item[method]["operationId"] for item in self.document["paths"].values() for method in METHODS
                if method in item}

    def operation(self, method: str, target: str) -> dict:
        path = target.partition("?")[0]
        for pattern, name in self._paths:
            if pattern.fullmatch(path):
                item = self.document["paths"][name]
                assert method.lower() in item, f"{method} {name} isn't described"
                return item[method.lower()]
        raise AssertionError(f"{path} isn't described")

    def judge(self, method: str, target: str, status: int, headers, body: bytes) -> None:
        """Status listed, headers and media type as described, body valid."""
        operation = self.operation(method, target)
        self.asked.add(operation["operationId"])
        where = f"{operation['operationId']} {status}"
        assert str(status) in operation["responses"], f"{where} isn't described: {body[:300]!r}"
        response = self._resolved(operation["responses"][str(status)])
        for name, header in response.get("headers", {}).items():
            self._judge_header(where, name, self._resolved(header), headers.get(name))
        self._judge_body(where, response.get("content"), headers, body)

    def judge_problem(self, headers, body: bytes) -> dict:
        """For refusals that any route may answer with, and that aren't listed at each."""
        assert headers.get("Content-Type") == "application/problem+json", headers.get("Content-Type")
        problem = json.loads(body)
        self._validate("problem", {"$ref": "#/components/schemas/Problem"}, problem)
        return problem

    def _judge_header(self, where: str, name: str, header: dict, value) -> None:
        if value is None:
            assert not header.get("required"), f"{where} lacks {name}"
            return
        self._validate(f"{where} {name}", header["schema"], value)

    def _judge_body(self, where: str, content, headers, body: bytes) -> None:
        if content is None:
            assert body == b"", f"{where} should have no body: {body[:200]!r}"
            return
        media_type = (headers.get("Content-Type") or "").partition(";")[0].strip()
        assert media_type in content, f"{where} has the media type {media_type!r}"
        if media_type.endswith("json"):
            self._validate(where, content[media_type]["schema"], json.loads(body, parse_constant=self._no_constant))

    def _resolved(self, node: dict) -> dict:
        return self._resolver.resolve(node["$ref"])[1] if "$ref" in node else node

    def _validate(self, where: str, schema: dict, value) -> None:
        validator = jsonschema.Draft202012Validator(schema, resolver=self._resolver)
        error = jsonschema.exceptions.best_match(validator.iter_errors(value))
        assert error is None, f"{where}: {error.message} at {error.json_path}"

    @staticmethod
    def _no_constant(name: str):
        raise AssertionError(f"{name} is no JSON")
