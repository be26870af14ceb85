//! Log drains, to real receivers.

use crate::support::{Person, Receiver, Server, Socket, WorkTree, wait_until};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(45);
/// The receivers are on this machine.
const ALLOWED: (&str, &str) = ("GILGAL_DRAIN_ALLOW_NETWORKS", "127.0.0.0/8, ::1");

/// Counts aloud, five times a second, and serves a page.
const COUNTING: &str = "\
FROM busybox:stable
COPY index.html /www/
USER 65534:65534
CMD (n=0; while true; do n=$((n+1)); echo count $n; sleep 0.2; done) & exec httpd -f -p \"$PORT\" -h /www
";

fn counting() -> WorkTree {
    WorkTree::of(&[("Dockerfile", COUNTING), ("index.html", "hello")])
}

fn create(server: &Server, person: &Person, body: &Value) -> String {
    let made =
        server.request(Method::POST, "/api/projects/shop/drains", &person.token, Some(body)).expect(201);
    format!("/api/drains/{}", made["id"].as_str().unwrap())
}

/// A project with a drain before anything is deployed.
fn with_drain(server: &mut Server, body: &Value) -> (Person, String) {
    let ada = server.person("ada");
    server.request(Method::POST, "/api/projects", &ada.token, Some(&json!({ "name": "shop" }))).expect(201);
    let drain = create(server, &ada, body);
    (ada, drain)
}

/// The numbers that were counted, in the order in which they came.
fn counted(messages: &[String]) -> Vec<u64> {
    let number = |message: &String| {
        message.split_once("count ")?.1.trim_end_matches(['"', '}']).split('"').next()?.parse().ok()
    };
    messages.iter().filter_map(number).collect()
}

#[test]
fn every_line_is_sent_once_also_across_a_restart_of_the_server() {
    let receiver = Receiver::syslog();
    let mut server = Server::start_with(&[ALLOWED]);
    let url = format!("syslog+tcp://{}", receiver.address);
    let (mut ada, drain) = with_drain(&mut server, &json!({ "url": url, "token": "TOKEN@41058" }));
    server.deploy(&ada, &counting(), "shop");
    wait_until("lines come", PATIENCE, || counted(&receiver.messages()).len() > 5);
    let first = receiver.messages()[0].clone();
    assert!(first.starts_with("<14>1 2"), "{first}");
    assert!(first.contains(" localhost shop web.1 - [gilgal@32473 project=\"shop\""), "{first}");
    assert!(
        first.contains("environment=\"production\"") && first.contains("][TOKEN@41058] count 1"),
        "{first}"
    );

    server.stop();
    let before = counted(&receiver.messages()).len();
    std::thread::sleep(Duration::from_secs(1));
    server.start_again(&[ALLOWED]);
    server.log_in_again(&mut ada);
    wait_until("it goes on", PATIENCE, || counted(&receiver.messages()).len() > before + 10);
    let all = counted(&receiver.messages());
    let expected: Vec<u64> = (1..=u64::try_from(all.len()).unwrap()).collect();
    assert_eq!(all, expected, "without holes, and none twice");

    wait_until("how far it is can be seen", PATIENCE, || {
        let shown = ada.get(&server, &drain);
        shown["last_success_at"].is_string() && shown["last_error"].is_null()
    });
    server.request(Method::DELETE, &drain, &ada.token, None).expect(204);
    // What was on its way may still come.
    wait_until("nothing comes any more", PATIENCE, || {
        let before = receiver.messages().len();
        std::thread::sleep(Duration::from_secs(1));
        receiver.messages().len() == before
    });
}

#[test]
fn a_receiver_over_tls_is_known_by_its_certificate() {
    let receiver = Receiver::syslog_over_tls();
    let mut server = Server::start_with(&[ALLOWED]);
    let url = format!("syslog+tls://localhost:{}", receiver.address.port());
    let (ada, drain) = with_drain(&mut server, &json!({ "url": url, "environment": "production" }));
    server.deploy(&ada, &counting(), "shop");
    wait_until("it is not trusted", PATIENCE, || {
        ada.get(&server, &drain)["last_error"].as_str().is_some_and(|error| error.contains("not trusted"))
    });
    assert_eq!(receiver.messages(), Vec::<String>::new());
    let certificates = json!({ "certificates": receiver.certificate });
    server.request(Method::PATCH, &drain, &ada.token, Some(&certificates)).expect(200);
    wait_until("lines come", PATIENCE, || counted(&receiver.messages()).len() > 5);
    assert_eq!(counted(&receiver.messages())[0], 1, "what waited is sent too");
}

#[test]
fn what_is_posted_over_tls_is_tried_again_unless_it_is_refused() {
    let receiver = Receiver::https();
    let mut server = Server::start_with(&[ALLOWED]);
    let url = format!("https://localhost:{}/in", receiver.address.port());
    let (ada, drain) = with_drain(&mut server, &json!({ "url": url, "environment": "production" }));
    server.deploy(&ada, &counting(), "shop");
    wait_until("it is not trusted", PATIENCE, || {
        let error = ada.get(&server, &drain)["last_error"].clone();
        error.as_str().is_some_and(|error| error.starts_with("The receiver cannot be reached"))
    });
    assert_eq!(receiver.messages(), Vec::<String>::new());
    // Busy, away, and a token that is not entered there yet.
    receiver.refuse(&[429, 503, 401]);
    let certificates = json!({ "certificates": receiver.certificate });
    server.request(Method::PATCH, &drain, &ada.token, Some(&certificates)).expect(200);
    wait_until("lines come", PATIENCE, || counted(&receiver.messages()).len() > 5);
    let whole = counted(&receiver.messages());
    assert_eq!((receiver.refusals_left(), whole[0]), (0, 1), "nothing is lost");
    assert_eq!(ada.get(&server, &drain)["dropped"], 0);
    // What it will never take is left out.
    receiver.refuse(&[400]);
    wait_until("lines are left out", PATIENCE, || ada.get(&server, &drain)["dropped"].as_u64() > Some(0));
    let before = counted(&receiver.messages()).len();
    wait_until("it goes on", PATIENCE, || counted(&receiver.messages()).len() > before + 5);
    let numbers = counted(&receiver.messages());
    let holes = numbers.windows(2).filter(|pair| pair[1] > pair[0] + 1).count();
    assert_eq!(holes, 1, "{numbers:?}");
}

#[test]
fn lines_are_posted_as_json_and_only_where_the_operator_allows() {
    let receiver = Receiver::http();
    let mut server = Server::start_with(&[ALLOWED]);
    let url = format!("http://{}/in?source=shop", receiver.address);
    let (mut ada, drain) = with_drain(&mut server, &json!({ "url": url, "token": "hunter2-hunter2" }));
    server.deploy(&ada, &counting(), "shop");
    let lines = || receiver.messages().into_iter().filter(|line| line.starts_with('{')).collect::<Vec<_>>();
    wait_until("lines come", PATIENCE, || lines().len() > 5);
    assert_eq!(receiver.messages()[0], "authorization: bearer hunter2-hunter2");
    let line: Value = serde_json::from_str(&lines()[0]).unwrap();
    assert_eq!(
        (&line["project"], &line["environment"], &line["process"], &line["stream"], &line["text"]),
        (&json!("shop"), &json!("production"), &json!("web.1"), &json!("stdout"), &json!("count 1"))
    );
    // A server that is not to connect to it any more, whatever was allowed when the drain was made.
    server.stop();
    server.start_again(&[]);
    let before = lines().len();
    server.log_in_again(&mut ada);
    wait_until("it is refused", PATIENCE, || {
        ada.get(&server, &drain)["last_error"]
            .as_str()
            .is_some_and(|error| error.contains("does not connect"))
    });
    assert_eq!(lines().len(), before);
}

/// Prints as much as it can for a while when it is asked to, then says so in a file that it serves.
const LOUD: &str = "\
FROM busybox:stable
COPY index.html /www/
RUN chmod 777 /www
USER 65534:65534
CMD (sleep 4; yes 'a line of some length, so that it fills what is between the app and the receiver soon' | head -n 60000; \
echo done > /www/done.html) & exec httpd -f -p \"$PORT\" -h /www
";

/// Prints more than the engine keeps in one file, then counts.
const ROTATING: &str = "\
FROM busybox:stable
COPY index.html /www/
USER 65534:65534
CMD (sleep 4; yes 'a line of some length, so that it fills the files of the log soon' | head -n 200000; \
n=0; while true; do n=$((n+1)); echo count $n; sleep 0.2; done) & exec httpd -f -p \"$PORT\" -h /www
";

#[test]
fn an_app_that_fills_the_files_of_its_log_is_read_on() {
    let receiver = Receiver::syslog();
    let mut server = Server::start_with(&[ALLOWED]);
    let url = format!("syslog+tcp://{}", receiver.address);
    let (ada, _) = with_drain(&mut server, &json!({ "url": url }));
    server.deploy(&ada, &WorkTree::of(&[("Dockerfile", ROTATING), ("index.html", "hello")]), "shop");
    let path = "/api/environments/shop:production/logs/stream?tail=1&search=count";
    let mut followed = Socket::open(&server, &ada, path, None);
    // Docker 20.10 stops telling who follows; it is asked again when it is silent.
    wait_until("it is read to its newest line", Duration::from_secs(90), || {
        counted(&receiver.messages()).len() > 5
    });
    // So is whoever follows it here.
    assert!(followed.next().to_text().unwrap().contains("count "));
}

/// Bytes of memory that the server has (proc(5), `VmRSS`).
fn memory(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process_id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[test]
fn a_receiver_that_stalls_costs_lines_and_nothing_else() {
    let receiver = Receiver::stalled();
    let mut server = Server::start_with(&[ALLOWED]);
    let (ada, drain) =
        with_drain(&mut server, &json!({ "url": format!("syslog+tcp://{}", receiver.address) }));
    let before = memory(&server);
    server.deploy(&ada, &WorkTree::of(&[("Dockerfile", LOUD), ("index.html", "hello")]), "shop");
    // 5 MB are printed and read, whoever takes them.
    wait_until("the app has printed everything", PATIENCE, || server.get("shop", "/done.html").status == 200);
    wait_until("lines were dropped, and it is told", Duration::from_secs(90), || {
        let shown = ada.get(&server, &drain);
        shown["dropped"].as_u64().unwrap() > 20_000
    });
    let grown = memory(&server).saturating_sub(before);
    assert!(grown < 64 * 1024 * 1024, "{grown} bytes more");
    receiver.read();
    wait_until("the receiver is told what it misses", Duration::from_secs(90), || {
        receiver.messages().iter().any(|message| message.contains(" lines were dropped here"))
    });
}
