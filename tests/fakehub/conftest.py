from tests.fakehub.fixtures import hub

__all__ = ["hub"]
