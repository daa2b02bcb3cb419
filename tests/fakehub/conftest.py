from fakehub.fixtures import hub

__all__ = ["hub"]
