"""The chart's Jobs on the database: backups, a restore before an installation, migrations around an upgrade."""

import pytest

from tests.support.helm import EXAMPLES, helm_binary, render
from tests.unit.deploy.test_chart_running import of_kind

EXAMPLE = ("-f", str(EXAMPLES / "backup.yaml"))
RESTORE = (*EXAMPLE, "--set", "backup.restore=backup-20260102T030000Z")


@pytest.fixture(scope="module")
def helm(tmp_path_factory: pytest.TempPathFactory) -> str:
    return helm_binary(tmp_path_factory.mktemp("helm"))


def test_a_backup_runs_alone_and_knows_the_database_only(helm: str) -> None:
    job = of_kind(render(helm, *EXAMPLE), "CronJob")["test-backup"]["spec"]
    assert (job["schedule"], job["concurrencyPolicy"]) == ("0 3 * * *", "Forbid")
    pod = job["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["automountServiceAccountToken"] is False
    (container,) = pod["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["command"] == ["python", "-m", "services.gateway", "backup", "/backups", "--keep", "14"]
    volumes = {one["name"]: one for one in pod["volumes"]}
    assert [one["key"] for one in volumes["secrets"]["secret"]["items"]] == ["ANTIPHON_MONGO_URL"]
    assert volumes["backups"]["persistentVolumeClaim"] == {"claimName": "antiphon-backups", "readOnly": False}


def test_a_restore_comes_before_the_first_installation_and_only_reads_the_backups(helm: str) -> None:
    job = of_kind(render(helm, *RESTORE), "Job")["test-restore"]
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install"
    pod = job["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == "default"  # the release's own is not there yet
    (container,) = pod["containers"]
    assert container["command"][-2:] == ["restore", "/backups/backup-20260102T030000Z"]
    (mount,) = [one for one in container["volumeMounts"] if one["mountPath"] == "/backups"]
    assert mount["readOnly"]
    assert job["spec"]["backoffLimit"] == 0


def test_nothing_is_backed_up_unless_told(helm: str) -> None:
    objects = render(helm)
    assert not of_kind(objects, "CronJob")
    assert not of_kind(objects, "Job")
    assert "test-restore" not in of_kind(render(helm, *EXAMPLE), "Job")


def test_documents_are_migrated_before_the_new_pods_come_and_after_the_old_ones_went(helm: str) -> None:
    job = of_kind(render(helm, *RESTORE), "Job")["test-migration"]
    annotations = job["metadata"]["annotations"]
    assert set(annotations["helm.sh/hook"].split(",")) == {"pre-install", "pre-upgrade", "post-upgrade", "pre-rollback"}
    restore = of_kind(render(helm, *RESTORE), "Job")["test-restore"]["metadata"]["annotations"]
    assert int(restore["helm.sh/hook-weight"]) < int(annotations["helm.sh/hook-weight"])
    pod = job["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == "default"
    (container,) = pod["containers"]
    assert container["command"] == ["python", "-m", "services.gateway", "migrate"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert {one["name"] for one in pod["volumes"]} == {"secrets", "tmp"}
    stopped = of_kind(render(helm, *EXAMPLE, "--set", "migration.stopped=true"), "Job")["test-migration"]
    assert stopped["spec"]["template"]["spec"]["containers"][0]["command"][-1] == "--stopped"


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("backup.existingClaim=", "existingClaim"),
        ("backup.keep=0", "keep"),
        ("backup.restore=../elsewhere", "restore"),
        ("backup.shedule=x", "shedule"),
    ],
)
def test_backups_that_could_not_work_are_refused(helm: str, value: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        render(helm, *EXAMPLE, "--set", value)
