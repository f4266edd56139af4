"""`python -m tests.contracts`: run the contracts of the sagas that have changed, on servers that stay up."""

from devstack.testing.warm import main as run_warm
from tests.contracts.changed import changed_files, changed_kinds, scenario_files, selection


def main() -> None:
    kinds = changed_kinds(changed_files(), scenario_files())
    if not kinds:
        print("No saga has changed: no contracts to run.")
        return
    print(f"Contracts of: {', '.join(kinds)}", flush=True)
    run_warm(["tests/contracts", "-k", selection(kinds)])


if __name__ == "__main__":
    main()
