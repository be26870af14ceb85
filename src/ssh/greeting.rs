//! The texts of the SSH front door.

use crate::model::address::PublicAddress;
use crate::model::user::User;

/// Said to a client whose every key was refused, in place of a bare "Permission denied".
pub(super) const UNKNOWN_KEY: &str = "\
This gilgal server knows none of the keys that your ssh has offered.
Add the public half of one to your account: POST /api/keys {\"title\": \"laptop\", \"public_key\": \"ssh-ed25519 ...\"}";

/// Said to a client whose keys nobody can look up.
pub(super) const CANNOT_CHECK: &str = "\
The database of this gilgal server does not answer, so it cannot check keys right now.
Nothing is wrong with your key: try again in a minute.";

/// Said to a person who comes without a command.
pub(super) fn hello(user: &User, address: &PublicAddress) -> String {
    format!(
        "Hi {name}! You are authenticated, and gilgal gives no shell.\n\
         To deploy: git remote add gilgal ssh://git@{ssh_host}:{port}/<project>.git && git push gilgal main\n",
        name = user.username,
        ssh_host = address.ssh_host,
        port = address.ssh_port
    )
}

/// Said in answer to `help`.
pub(super) fn help(address: &PublicAddress) -> String {
    format!(
        "git push, git fetch, git clone, git archive\n\
         \x20             ssh://git@{ssh_host}:{port}/<project>.git\n\
         logs PROJECT|DEPLOYMENT\n\
         \x20             the log of a deployment, or of a project's newest, followed to its end\n\
         logs PROJECT --app [-f] [-n LINES] [-p PROCESS] [--since 1h]\n\
         \x20             what its instances print; -f follows\n\
         run PROJECT COMMAND\n\
         \x20             a command beside what is live, with `ssh -t` on your terminal\n\
         ps PROJECT    what runs: process, state, since when, restarts, release\n\
         releases PROJECT\n\
         \x20             the newest releases of production\n\
         stop PROJECT, start PROJECT\n\
         \x20             stop every instance, and start them again\n\
         undelete PROJECT\n\
         \x20             bring a deleted project back, with what it had live\n\
         maintenance on|off PROJECT\n\
         \x20             answer requests with a page that says that it is being worked on\n\
         volumes PROJECT\n\
         \x20             the folders that outlive its instances\n\
         cron PROJECT [runs NAME | run NAME]\n\
         \x20             the schedule; what became of a command of it; run one now\n\
         redeploy PROJECT\n\
         \x20             deploy again what is live, by where it came from\n\
         rollback PROJECT [vN] [--rebuild]\n\
         \x20             make a release live again, the one before unless named: image, config and formation\n\
         restart PROJECT\n\
         \x20             replace every instance\n\
         scale PROJECT web=2 worker=1\n\
         \x20             set how many instances run\n\
         \x20             (each for another environment with PROJECT:ENVIRONMENT)\n\
         whoami        who the server takes you for\n\
         help          this text\n",
        ssh_host = address.ssh_host,
        port = address.ssh_port
    )
}
