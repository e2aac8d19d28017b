"""`autoscaler schema`: the JSON Schema of a policy file."""

import typer


def schema() -> None:
    """Print the JSON Schema of a policy file, for editors and CI.

    Example:
      autoscaler schema > autoscaler.schema.json

    and as the first line of a policy file
      # yaml-language-server: $schema=../autoscaler.schema.json
    """
    from autoscaler.spec.schema import as_text

    typer.echo(as_text(), nl=False)
