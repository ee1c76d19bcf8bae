//! Which questions are refused, and that every fault is named.

use crate::home::Home;
use crate::service::Service;

#[tokio::test]
async fn every_parameter_out_of_its_rule_is_refused() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let time = "2025-12-15T12:00:00Z";
    for (query, faulty) in [
        ("window=last_year".to_owned(), "window"),
        ("window=".to_owned(), "window"),
        ("window=custom".to_owned(), "window"),
        (format!("from={time}"), "to"),
        (format!("to={time}"), "from"),
        (format!("from=yesterday&to={time}"), "from"),
        (format!("from={time}&to=2025-12-15"), "to"),
        (format!("from={time}&to=2025-12-15T11:00:00Z"), "from"),
        (format!("from={time}&to={time}&window=last_7d"), "window"),
        ("top=0".to_owned(), "top"),
        ("top=101".to_owned(), "top"),
        ("top=ten".to_owned(), "top"),
        ("case=kebab".to_owned(), "case"),
        ("bucket=minute".to_owned(), "bucket"),
        ("bucket=".to_owned(), "bucket"),
        ("windw=last_7d".to_owned(), "windw"),
        ("window=last_7d&window=last_7d".to_owned(), "window"),
    ] {
        let answer = service.get(&format!("/accounts/a/summary?{query}")).await;
        assert_eq!(answer.only_fault().field, faulty, "{query}");
    }
    for limit in ["0", "101", "-1", "ten", ""] {
        let answer = service.get(&format!("/accounts/sample?limit={limit}")).await;
        assert_eq!(answer.only_fault().field, "limit");
    }
    for path in [
        "a/summary?top=1",
        "a/summary?top=100&case=camel&window=last_24h",
        "sample?limit=1",
        "sample?limit=100",
    ] {
        service.get(&format!("/accounts/{path}")).await.expect(200);
    }
}

#[tokio::test]
async fn all_faults_of_a_question_are_named_at_once() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let long = "a".repeat(257);
    let query = "window=last_7d&from=x&top=0&case=no&limit=1";
    let answer = service.get(&format!("/accounts/{long}/summary?{query}")).await;
    let mut fields: Vec<_> = answer.faults().into_iter().map(|fault| fault.field).collect();
    fields.sort();
    let expected = ["accountId", "case", "from", "limit", "to", "top", "window"];
    assert_eq!(fields, expected);
}
