//! What a container may do and use: the one place that decides it.

use super::{command, labels, volumes};
use crate::engine::{InstanceSpec, TerminalSize};
use crate::model::id::ServerId;
use crate::model::process::Limits;
use bollard::models::{
    ContainerCreateBody, HealthConfig, HostConfig, HostConfigLogConfig, ResourcesUlimits, RestartPolicy,
    RestartPolicyNameEnum,
};
use std::collections::HashMap;

/// What is left of root inside an instance. Docker grants fourteen capabilities; these seven are what official images and
/// ordinary web apps need. Images that run as another user get none of them in effect.
const CAPABILITIES: [&str; 7] = [
    // Entrypoints hand folders to the user they switch to (`chown -R app /data`).
    "CHOWN",
    // Root writes into folders that belong to the app's user, as nginx does in its cache folder.
    "DAC_OVERRIDE",
    // Root changes the mode of files that belong to the app's user (`chmod`, `tar`, package managers at start).
    "FOWNER",
    // Switching to another user: gosu, su-exec, the workers of nginx, Apache and php-fpm.
    "SETGID",
    "SETUID",
    // Images with a fixed port below 1024; the network is the instance's own.
    "NET_BIND_SERVICE",
    // A supervisor run by root signals workers that run as another user.
    "KILL",
];
// Absent of Docker's list: NET_RAW (forged packets on the project's network), MKNOD, SETFCAP and SETPCAP (new
// privileges), SYS_CHROOT, AUDIT_WRITE, FSETID (keeping set-user-id bits): nothing that serves requests needs them.

/// Open files of one process. Docker hands down its own limit, which can be a billion, and programs that close every
/// possible file at start then take minutes. Not higher: an engine that is itself in a container, or runs without root,
/// cannot raise its own limit, which may be as low as 20,000, and would start nothing.
const OPEN_FILES: i64 = 16_384;

/// A period of the scheduler in microseconds; the kernel's default.
const CPU_PERIOD: i64 = 100_000;

/// The request that makes the container of an instance.
pub(super) fn body(server: ServerId, network: &str, spec: &InstanceSpec) -> ContainerCreateBody {
    let start = command::start(&spec.command);
    ContainerCreateBody {
        image: Some(spec.image.clone()),
        hostname: Some(hostname(spec)),
        // As the entrypoint, so that an image's own entrypoint does not get the command as arguments.
        entrypoint: start.arguments,
        stop_signal: spec.stop_signal.map(|signal| signal.as_str().to_owned()),
        env: Some(environment(spec, start.signal_group)),
        labels: Some(labels::of_instance(server, spec)),
        // An image's HEALTHCHECK would cost a process every few seconds and nobody would look at its result.
        healthcheck: Some(HealthConfig { test: Some(vec!["NONE".to_owned()]), ..HealthConfig::default() }),
        host_config: Some(HostConfig { mounts: volumes::mounts(spec), ..host_config(network, &spec.limits) }),
        ..ContainerCreateBody::default()
    }
}

/// The same request for a command that somebody talks to, on a terminal or without one.
pub(super) fn interactive(body: ContainerCreateBody, terminal: Option<TerminalSize>) -> ContainerCreateBody {
    // Before its first word; an engine before Docker 23 is told a moment later, when the command runs.
    let console_size = terminal.map(|size| vec![size.rows.into(), size.columns.into()]);
    let host_config = body.host_config.map(|host| HostConfig { console_size, ..host });
    ContainerCreateBody {
        host_config,
        tty: Some(terminal.is_some()),
        open_stdin: Some(true),
        // Docker closes its input when whoever talks to it has closed theirs.
        stdin_once: Some(true),
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        ..body
    }
}

/// A container's name: `gilgal-shop-web-1-3f2a5c7d9e01`. Unique, since its end is the random part of the deployment's id
/// (RFC 9562 §5.7: the beginning of a version 7 UUID is the time).
pub(super) fn name(spec: &InstanceSpec) -> String {
    let deployment = spec.key.deployment_id.as_uuid().simple().to_string();
    let (_, random) = deployment.split_at(20);
    let name = format!("gilgal-{}-{}-{}-{random}", spec.slug, spec.key.process_type, spec.key.index);
    match spec.generation {
        0 => name,
        generation => format!("{name}-{generation:x}"),
    }
}

/// What the instance sees as its own name: `shop-web-1`, cut to what Linux takes (64 bytes, sethostname(2)).
fn hostname(spec: &InstanceSpec) -> String {
    let place = format!("-{}-{}", spec.key.process_type, spec.key.index);
    let slug: String = spec.slug.as_str().chars().take(63 - place.len()).collect();
    format!("{slug}{place}")
}

/// `NAME=value` for every config var, then what the engine decides.
fn environment(spec: &InstanceSpec, signal_group: bool) -> Vec<String> {
    let decided_here = |name: &str| name == "PORT";
    let vars = spec.environment.iter().filter(|(name, _)| !decided_here(name));
    let mut environment: Vec<String> =
        vars.map(|(name, value)| format!("{name}={}", value.expose())).collect();
    environment.push(format!("PORT={}", spec.port));
    if signal_group {
        // Read by docker-init, which is tini: the same as its option `-g`.
        environment.push("TINI_KILL_PROCESS_GROUP=1".to_owned());
    }
    environment
}

fn host_config(network: &str, limits: &Limits) -> HostConfig {
    let memory = i64::from(limits.memory_mib) * 1024 * 1024;
    HostConfig {
        network_mode: Some(network.to_owned()),
        init: Some(true),
        cap_drop: Some(vec!["ALL".to_owned()]),
        cap_add: Some(CAPABILITIES.map(str::to_owned).to_vec()),
        security_opt: Some(vec!["no-new-privileges:true".to_owned()]),
        memory: Some(memory),
        // Memory and swap together: no swap. An app that swaps is slow for everybody; killed, it can be explained.
        memory_swap: Some(memory),
        // Not `nano_cpus`, which means the same but is refused where it exceeds the machine's CPUs.
        cpu_period: Some(CPU_PERIOD),
        cpu_quota: Some(i64::from(limits.cpu_millis) * CPU_PERIOD / 1000),
        pids_limit: Some(i64::from(limits.processes)),
        ulimits: Some(vec![
            ulimit("nofile", OPEN_FILES),
            // A core dump would fill the disk of the host.
            ulimit("core", 0),
        ]),
        log_config: Some(HostConfigLogConfig {
            typ: Some("json-file".to_owned()),
            config: Some(HashMap::from([
                ("max-size".to_owned(), "10m".to_owned()),
                ("max-file".to_owned(), "3".to_owned()),
            ])),
        }),
        restart_policy: Some(RestartPolicy {
            name: Some(RestartPolicyNameEnum::NO),
            maximum_retry_count: None,
        }),
        privileged: Some(false),
        publish_all_ports: Some(false),
        ..HostConfig::default()
    }
}

fn ulimit(name: &str, value: i64) -> ResourcesUlimits {
    ResourcesUlimits { name: Some(name.to_owned()), soft: Some(value), hard: Some(value) }
}
