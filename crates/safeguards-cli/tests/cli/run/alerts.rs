//! Where the alerts of a run go: files, webhooks and chats, with secrets from the environment.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    process::{Command, Output, Stdio},
    thread::{self, JoinHandle},
};

use serde_json::Value;

use super::{agent, says};
use crate::command::{file, safeguards};

/// Its writer spends 80 % of the pool.
fn team(alerts: &str) -> String {
    let pool = "pool = { limits = [\"0.05 USD\"], warn_at = [\"50%\"] }\n";
    let writer = agent("writer", &says("fine")).replace("0.10", "0.05");
    format!("{pool}{writer}{alerts}")
}

fn run_with(team: &str, variables: &[(&str, &str)]) -> Output {
    let (_folder, path) = file("crew.toml", team);
    Command::new(env!("CARGO_BIN_EXE_safeguards"))
        .args(["run", &path, "look around"])
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// A server for one request, which it answers with 200: gives its head and its body.
fn server() -> (String, JoinHandle<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/alerts", listener.local_addr().unwrap());
    let served = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream);
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
        reader.get_mut().write_all(answer).unwrap();
        (head, String::from_utf8(body).unwrap())
    });
    (url, served)
}

const HERE: &str = "allow_http = [\"127.0.0.1\"], allow_private = [\"127.0.0.1\"]";

#[test]
fn a_webhook_gets_signed_json() {
    let (url, served) = server();
    let target = format!(
        "[[alert]]\nto = {{ webhook = \"env:OPS_URL\", secret = \"env:OPS_SECRET\", {HERE} }}\n"
    );
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let ran = run_with(&team(&target), &[("OPS_URL", &url), ("OPS_SECRET", secret)]);
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    let (head, body) = served.join().unwrap();
    assert!(head.starts_with("POST /alerts HTTP/1.1\r\n"), "{head}");
    assert!(head.to_ascii_lowercase().contains("\r\nwebhook-signature: v1,"), "{head}");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["alerts"][0]["topic"], "budget.threshold");
    assert_eq!(body["group"]["agent"], "crew");
}

#[test]
fn a_chat_gets_a_line() {
    let (url, served) = server();
    let target =
        format!("[[alert]]\non = \"budget.**\"\nto = {{ slack = \"env:CHAT\", {HERE} }}\n");
    let ran = run_with(&team(&target), &[("CHAT", &url)]);
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    let body: Value = serde_json::from_str(&served.join().unwrap().1).unwrap();
    assert_eq!(
        body["text"],
        "informational  budget.threshold: crew has spent 80.0 % of 0.05 USD (0.04 USD; lifetime)"
    );
}

#[test]
fn secrets_that_are_missing_or_wrong_are_named_with_their_place_and_never_shown() {
    let target = "[[alert]]\nto = { slack = \"env:SAFEGUARDS_TEST_NONE\" }\n\
        [[alert]]\nto = { webhook = \"env:OPS_URL\", secret = \"env:OPS_SECRET\" }\n";
    let hidden = "http://ops.example.com/hidden-token";
    let ran = run_with(&team(target), &[("OPS_URL", hidden), ("OPS_SECRET", "hunter2")]);
    assert_eq!(ran.status.code(), Some(2), "{ran:?}");
    let told = String::from_utf8(ran.stderr).unwrap();
    assert!(
        told.contains(
            "crew.toml:7:16: the variable `SAFEGUARDS_TEST_NONE` is not set; it holds a secret for alerts"
        ),
        "{told}"
    );
    assert!(told.contains("error config.target: "), "{told}");
    assert!(told.contains("crew.toml:9:42: the variable `OPS_SECRET`: "), "{told}");
    assert!(!told.contains("hidden-token") && !told.contains("hunter2"), "{told}");

    let target = "[[alert]]\nto = { webhook = \"env:OPS_URL\" }\n";
    let ran = run_with(&team(target), &[("OPS_URL", hidden)]);
    let told = String::from_utf8(ran.stderr).unwrap();
    assert!(told.contains("crew.toml:7:6: webhook: http://ops.example.com"), "{told}");
    assert!(!told.contains("hidden-token"), "{told}");
}

#[test]
fn a_file_of_rules_that_is_wrong_ends_the_run_before_it_begins() {
    let (folder, path) = file(
        "crew.toml",
        format!(
            "rules = \"alerts.toml\"\n{}",
            team("[[alert]]\nname = \"log\"\nto = \"console\"\n")
        ),
    );
    fs::write(folder.path().join("alerts.toml"), "to = [\"log\"]\nwiat = \"5s\"\n").unwrap();
    safeguards(&["run", &path, "look around"]).refused(&[
        "notify.rules_unknown_key",
        "alerts.toml:2:1: ",
        "did you mean `wait`",
    ]);
    fs::write(folder.path().join("alerts.toml"), "to = [\"lgo\"]\n").unwrap();
    safeguards(&["run", &path, "look around"]).refused(&["did you mean `log`"]);
    fs::write(folder.path().join("alerts.toml"), "\n[[route]]\nto = [\"lgo\"]\n").unwrap();
    let ran = safeguards(&["run", &path, "look around"]);
    ran.refused(&["alerts.toml:2: route 1: ", "did you mean `log`"]);
}

#[test]
fn rules_in_vain_are_said_with_file_and_line() {
    let (folder, path) = file(
        "crew.toml",
        format!(
            "rules = \"alerts.toml\"\n{}",
            team("[[alert]]\nname = \"log\"\nto = { file = \"alerts.jsonl\" }\n")
        ),
    );
    let vain = "\n[[route]]\nat_least = \"high\"\nat_most = \"low\"\n";
    fs::write(folder.path().join("alerts.toml"), vain).unwrap();
    let ran = safeguards(&["run", &path, "look around"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let warning = ran.stderr.lines().find(|line| line.starts_with("warning ")).unwrap();
    assert!(warning.contains("alerts.toml:2: route 1 "), "{warning}");
}

/// A mail server for one mail, without TLS: gives all that was said to it.
fn mail_server() -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream);
        let mut said = String::new();
        let mut is_mail = false;
        let mut answer = "220 here\r\n";
        loop {
            reader.get_mut().write_all(answer.as_bytes()).unwrap();
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap() == 0 || line.starts_with("QUIT") {
                return said;
            }
            said.push_str(&line);
            (is_mail, answer) = match (is_mail, line.trim_end()) {
                (false, "DATA") => (true, "354 go on\r\n"),
                (false, _) => (false, "250 fine\r\n"),
                (true, ".") => (false, "250 kept\r\n"),
                (true, _) => (true, ""),
            };
        }
    });
    (port, served)
}

#[test]
fn a_mail_is_sent_to_each_address() {
    let (port, served) = mail_server();
    let target = format!(
        "[[alert]]\nto = {{ email = {{ server = \"127.0.0.1\", port = {port}, tls = \"none\", \
         from = \"agents@example.com\", to = [\"oncall@example.com\"] }} }}\n"
    );
    let ran = run_with(&team(&target), &[]);
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    let said = served.join().unwrap();
    assert!(said.contains("RCPT TO:<oncall@example.com>\r\n"), "{said}");
    assert!(
        said.contains("\r\nSubject: [informational] budget.threshold: crew has spent"),
        "{said}"
    );

    let wrong = "[[alert]]\nto = { email = { server = \"mail.example.com\", from = \"agents\", to = [\"a@example.com\"] } }\n";
    let ran = run_with(&team(wrong), &[]);
    let told = String::from_utf8(ran.stderr).unwrap();
    assert!(told.contains("error config.target: "), "{told}");
    assert!(told.contains("crew.toml:7:6: email: \"agents\" is no mail address"), "{told}");
}

/// A file of the example that the repository shows.
fn example(name: &str) -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/alerts");
    crate::command::path_text(&folder.join(name))
}

#[test]
fn the_example_tells_the_first_denial_at_once_and_the_others_together() {
    let rules = safeguards(&["alerts", "check", &example("alerts.toml"), "--channel", "screen"]);
    assert_eq!((rules.code, rules.stderr.as_str()), (Some(0), ""), "{rules:?}");

    let ran =
        safeguards(&["run", &example("team.toml"), "sum up", "--each", &example("pages.txt")]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    let alerts: Vec<&str> = ran.stderr.lines().filter(|line| line.contains("  budget.")).collect();
    let [full, first, group, ..] = alerts.as_slice() else { panic!("{ran:?}") };
    assert!(full.contains("high  budget.threshold: team has spent 100.0 %"), "{full}");
    assert!(first.contains("high  budget.denied: reader was denied: "), "{first}");
    assert!(
        group.contains("high  budget.denied: 6 alerts, the latest: reader was denied: "),
        "{group}"
    );
    assert!(!ran.stderr.contains("informational  budget.threshold"), "{ran:?}");
}
