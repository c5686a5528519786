//! Connections that break, hang or never come to be.

use std::sync::Arc;
use std::time::Duration;

use convor::ports::{Broker, Received};
use convor_postgres::PostgresBroker;
use convor_tests::database::Database;
use convor_tests::environment::proving;
use convor_tests::patience::look;
use convor_tests::proxy::Proxy;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::net::TcpListener;

use super::{connected, publish, signal};
use convor_tests::ear::{Ear, assert_no_silent_gap, said};

/// How many connections there are whose application has a name like this.
pub(super) async fn backends(database: &Database, application: &str) -> usize {
    let mut superuser = superuser(database).await;
    let of =
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE $1";
    sqlx::query(of).bind(application).fetch_all(&mut superuser).await.expect("a list").len()
}

/// Ends the connections whose application has a name like this; answers how many there were.
pub(super) async fn kill(database: &Database, application: &str) -> usize {
    let mut superuser = superuser(database).await;
    let of = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
              WHERE datname = current_database() AND application_name LIKE $1";
    sqlx::query(of).bind(application).fetch_all(&mut superuser).await.expect("they are ended").len()
}

async fn superuser(database: &Database) -> PgConnection {
    PgConnection::connect(&database.superuser_url()).await.expect("a connection")
}

/// A way to a database that can fail, and the URL that leads over it.
pub(super) async fn way_to(database: &Database) -> (Proxy, String) {
    let url = url::Url::parse(&database.app_url()).expect("a URL");
    let (host, port) = (url.host_str().expect("a host"), url.port().unwrap_or(5432));
    let mut addresses = tokio::net::lookup_host((host, port)).await.expect("a host that exists");
    let proxy = Proxy::bind().await;
    proxy.lead_to(addresses.next().expect("an address"));
    let through = proxy.through(url.as_str());
    (proxy, through)
}

/// A node that goes on talking, a signal each millisecond, whether it is heard or not.
fn talking(broker: &Arc<PostgresBroker>) -> tokio::task::JoinHandle<()> {
    let broker = Arc::clone(broker);
    tokio::spawn(async move {
        for number in 1.. {
            let _ = broker.publish(&signal(1, number)).await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
}

/// Hears until it has heard a hundred signals more.
async fn hear_on(ear: &mut Ear, heard: &mut Vec<Received>) {
    heard.extend(ear.until(100).await);
}

#[tokio::test]
async fn a_listener_that_is_killed_loses_something_and_then_hears_again() {
    let database = Database::empty().await;
    let (here, there) = (Arc::new(connected(&database).await), connected(&database).await);
    let mut ears = [Ear::on(&*here).await, Ear::on(&there).await, Ear::on(&there).await];
    let talking = talking(&here);
    let mut heard = [Vec::new(), Vec::new(), Vec::new()];
    let rounds = if proving() { 50 } else { 5 };
    for _ in 0..rounds {
        assert_eq!(kill(&database, "convor listener").await, 2);
        for (ear, heard) in ears.iter_mut().zip(&mut heard) {
            heard.extend(ear.until_lost().await);
            hear_on(ear, heard).await;
        }
    }
    talking.abort();
    for heard in &heard {
        assert_no_silent_gap(heard, 1);
        assert!(said(heard, 1).count() >= 100 * rounds);
    }
}

#[tokio::test]
async fn a_notifier_that_is_killed_loses_something_and_then_speaks_again() {
    let database = Database::empty().await;
    let (here, there) = (Arc::new(connected(&database).await), connected(&database).await);
    let mut ear = Ear::on(&there).await;
    let talking = talking(&here);
    let mut heard = Vec::new();
    for _ in 0..5 {
        hear_on(&mut ear, &mut heard).await;
        assert!(kill(&database, "convor notifier").await >= 1);
        hear_on(&mut ear, &mut heard).await;
    }
    talking.abort();
    let numbers: Vec<_> = said(&heard, 1).collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "in order, and each once");
    assert!(*numbers.last().expect("many") > numbers.len() as u64, "what was missed shows by the numbers");
    assert!(!heard.contains(&Received::Lost), "who listens has not missed it");
}

#[tokio::test]
async fn without_a_connection_nothing_is_taken_and_subscriptions_say_so_again_and_again() {
    let database = Database::empty().await;
    let (proxy, url) = way_to(&database).await;
    let broker = PostgresBroker::connect(&url).await.expect("a broker");
    let mut ear = Ear::on(&broker).await;
    publish(&broker, 1, 1..=10).await;
    ear.until_said(1, 10).await;
    proxy.cut();
    for _ in 0..3 {
        assert_eq!(ear.next().await, Received::Lost);
    }
    let refused = look(async || broker.publish(&signal(1, 11)).await.err());
    refused.await.expect("a broken connection is noticed by what is sent over it");
    let mut late = Ear::on(&broker).await;
    assert_eq!(late.next().await, Received::Lost, "who comes meanwhile lives on rereading, too");
    proxy.mend();
    let taken = look(async || broker.publish(&signal(1, 12)).await.ok());
    taken.await.expect("a connection comes back");
    for ear in [&mut ear, &mut late] {
        let heard = ear.until_lost().await;
        assert_no_silent_gap(&heard, 1);
    }
}

#[tokio::test]
async fn a_listener_that_hangs_is_replaced() {
    let database = Database::empty().await;
    let (proxy, url) = way_to(&database).await;
    let (here, there) = (connected(&database).await, PostgresBroker::connect(&url).await.expect("a broker"));
    let mut ear = Ear::on(&there).await;
    publish(&here, 1, 1..=10).await;
    let mut heard = ear.until_said(1, 10).await;
    proxy.hold_answers();
    publish(&here, 1, 11..=20).await;
    heard.extend(ear.until_lost().await);
    proxy.mend();
    let hearing = async {
        heard.extend(ear.until_said(1, 1_000).await);
    };
    let talking = async {
        for number in 21.. {
            publish(&here, 1, number..=number.max(1_000)).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::select! { () = hearing => {}, () = talking => {} }
    assert_no_silent_gap(&heard, 1);
}

#[tokio::test]
async fn silence_alone_loses_nothing() {
    let database = Database::empty().await;
    let broker = connected(&database).await;
    let mut ear = Ear::on(&broker).await;
    let before = backends(&database, "convor listener").await;
    // Longer than it takes to think a silent connection dead.
    tokio::time::sleep(Duration::from_secs(8)).await;
    publish(&broker, 1, 1..=1).await;
    assert_eq!(ear.next().await, Received::Signal(signal(1, 1)));
    assert_eq!(backends(&database, "convor listener").await, before);
}

#[tokio::test]
async fn a_database_that_cannot_serve_is_told_at_once_and_without_its_password() {
    let database = Database::empty().await;
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        listener.local_addr().expect("an address")
    };
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let urls = [
        format!("postgres://somebody:s3cret@{closed}/s3cret"),
        format!("postgres://somebody:s3cret@{}/s3cret", silent.local_addr().expect("an address")),
        database.app_url().replace(database.name(), "s3cret"),
        "s3cret".to_owned(),
    ];
    for (url, expected) in urls.iter().zip(["ConnectionRefused", "in time", "3D000", "Url"]) {
        let error = PostgresBroker::connect(url).await.expect_err("there is no such database");
        let told = format!("{error} {error:?}");
        assert!(told.contains(expected), "{told}");
        assert!(!told.contains("s3cret"), "{told}");
    }
    for channel in ["", "a\0b", &"c".repeat(64)] {
        let error = PostgresBroker::connect_on(&database.app_url(), channel).await;
        assert!(error.expect_err("no channel").to_string().contains("63 bytes"));
    }
}

#[tokio::test]
async fn a_database_whose_notifications_may_be_no_text_is_refused() {
    let database = Database::empty().await;
    let name = format!("{}_bytes", database.name());
    let mut superuser = superuser(&database).await;
    let create = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'");
    sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut superuser).await.expect("a database");
    let connected = PostgresBroker::connect(&database.app_url().replace(database.name(), &name)).await;
    let drop = format!("DROP DATABASE {name} WITH (FORCE)");
    sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut superuser).await.expect("it is gone");
    assert!(connected.expect_err("no text").to_string().contains("UTF-8"));
}
