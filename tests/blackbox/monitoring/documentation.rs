//! GET /api-docs and /api-docs.json.

use std::collections::HashSet;

use serde_json::Value;

use crate::home::Home;
use crate::service::Service;

const ROUTES: [(&str, &str, &[u16]); 81] = [
    ("/events", "post", &[200, 202, 400, 401, 403, 413, 415, 429, 503]),
    ("/events.schema.json", "get", &[200]),
    ("/v1/{call}", "post", &[200, 400, 401, 403, 404, 413, 415, 503]),
    ("/beacon/v1/batch", "post", &[200, 400, 401, 403, 404, 413, 415, 503]),
    ("/v1/projects/{key}/settings", "get", &[200, 400, 404]),
    ("/sourceConfig", "get", &[200, 404]),
    ("/batch", "post", &[200, 400, 401, 403, 404, 413, 415, 503]),
    ("/batch", "get", &[200, 400, 401, 403, 404, 413, 503]),
    ("/e", "post", &[200, 400, 401, 403, 404, 413, 415, 503]),
    ("/i/v0/e", "post", &[200, 400, 401, 403, 404, 413, 415, 503]),
    ("/capture", "post", &[200, 400, 401, 403, 404, 413, 415, 503]),
    ("/track", "post", &[200, 400, 401, 403, 404, 413, 415, 503]),
    ("/engage", "post", &[200, 400, 401, 403, 404, 413, 415, 503]),
    ("/flags", "post", &[200, 404]),
    ("/decide", "post", &[200, 404]),
    ("/array/{token}/config", "get", &[200, 400, 404]),
    ("/array/{token}/config.js", "get", &[200, 400, 404]),
    ("/s", "post", &[200, 404]),
    ("/t.js", "get", &[200, 304]),
    ("/t.{hash}.js", "get", &[200, 304, 404]),
    ("/users/{userId}/journey", "get", &[200, 400, 401, 403, 404, 503]),
    ("/users/{userId}/live", "get", &[200, 400, 401, 403, 503]),
    ("/live", "get", &[200, 400, 401, 403, 503]),
    ("/users/{userId}", "get", &[200, 400, 401, 403, 404, 503]),
    ("/users/{userId}/links", "post", &[200, 400, 401, 403, 408, 409, 413, 415, 503]),
    ("/users/{userId}/links/{id}", "delete", &[200, 400, 401, 403, 404, 503]),
    ("/search", "get", &[200, 400, 401, 403, 503]),
    ("/accounts/{accountId}/summary", "get", &[200, 304, 400, 401, 403, 503]),
    ("/accounts/{accountId}/events", "get", &[200, 400, 401, 403, 503]),
    ("/accounts/sample", "get", &[200, 400, 401, 403, 503]),
    ("/health", "get", &[200, 401, 503]),
    ("/stats", "get", &[200, 401, 503]),
    ("/stats/history", "get", &[200, 401, 503]),
    ("/refused", "get", &[200, 401, 503]),
    ("/livez", "get", &[200]),
    ("/readyz", "get", &[200, 503]),
    ("/metrics", "get", &[200, 401, 503]),
    ("/api/auth/sign-up/email", "post", &[200, 400, 403, 408, 409, 413, 415, 429, 503]),
    ("/api/auth/sign-in/email", "post", &[200, 400, 401, 403, 408, 413, 415, 429, 503]),
    ("/api/auth/sign-out", "post", &[200, 401, 403, 503]),
    ("/api/auth/change-password", "post", &[200, 400, 401, 403, 408, 413, 415, 429, 503]),
    ("/api/auth/get-session", "get", &[200, 401, 403, 503]),
    ("/session", "get", &[200, 401, 403, 503]),
    ("/users", "get", &[200, 400, 401, 403, 503]),
    ("/api/auth/sessions", "get", &[200, 401, 403, 503]),
    ("/api/auth/sessions", "delete", &[204, 401, 403, 503]),
    ("/api/auth/sessions/{id}", "delete", &[204, 401, 403, 404, 503]),
    ("/api/staff", "get", &[200, 400, 401, 403, 503]),
    ("/api/staff", "post", &[201, 400, 401, 403, 408, 409, 413, 415, 503]),
    ("/api/staff/{id}", "patch", &[200, 400, 401, 403, 404, 408, 409, 413, 415, 503]),
    ("/api/tokens", "get", &[200, 401, 403, 503]),
    ("/api/tokens", "post", &[201, 400, 401, 403, 408, 413, 415, 503]),
    ("/api/tokens/{id}", "delete", &[204, 401, 403, 404, 503]),
    ("/api/write-keys", "get", &[200, 401, 403, 503]),
    ("/api/write-keys", "post", &[201, 400, 401, 403, 408, 409, 413, 415, 503]),
    ("/api/write-keys/{id}", "delete", &[204, 400, 401, 403, 404, 409, 503]),
    ("/api/team", "get", &[200, 400, 401, 403, 503]),
    ("/api/team", "put", &[200, 400, 401, 403, 408, 413, 415, 503]),
    ("/api/audit", "get", &[200, 400, 401, 403, 503]),
    ("/api/reload", "post", &[200, 401, 403, 409, 503]),
    ("/dead-letters", "get", &[200, 400, 401, 403, 503]),
    ("/dead-letters", "delete", &[200, 400, 401, 403, 503]),
    ("/dead-letters/retry", "post", &[200, 401, 403, 503]),
    ("/dead-letters/{id}", "get", &[200, 401, 403, 404, 503]),
    ("/dead-letters/{id}", "delete", &[204, 401, 403, 404, 503]),
    ("/dead-letters/{id}/retry", "post", &[200, 401, 403, 404, 409, 503]),
    ("/processors", "get", &[200, 401]),
    ("/processors/{name}", "get", &[200, 400, 401, 404]),
    ("/processors/{name}", "delete", &[204, 400, 401, 403, 404, 409, 503]),
    ("/processors/{name}/pause", "post", &[202, 400, 401, 403, 404, 429, 503]),
    ("/processors/{name}/resume", "post", &[200, 202, 400, 401, 403, 404, 409, 429, 503]),
    ("/processors/{name}/replay", "post", &[200, 202, 400, 401, 403, 404, 413, 415, 429, 503]),
    ("/processors/{name}/check", "post", &[200, 202, 400, 401, 403, 404, 409, 413, 429, 503]),
    ("/processors/{name}/commands", "get", &[200, 400, 401, 403, 404, 503]),
    ("/processors/{name}/users", "get", &[200, 400, 401, 403, 404, 503]),
    ("/processors/{name}/users/{userId}/retry", "post", &[200, 202, 400, 401, 403, 404, 409, 429]),
    ("/processors/{name}/users/{userId}/skip", "post", &[200, 202, 400, 401, 403, 404, 409, 429]),
    ("/processors/{name}/users/{userId}/release", "post", &[200, 202, 400, 401, 403, 404, 409]),
    ("/processors/{name}/dead-letters", "get", &[200, 400, 401, 403, 404, 503]),
    ("/processors/{name}/dead-letters/{id}", "delete", &[200, 202, 400, 401, 403, 404, 409, 429]),
    ("/processors/{name}/dead-letters/{id}/retry", "post", &[200, 202, 400, 401, 403, 404, 409]),
];

/// The routes for which nobody has to be known.
const OPEN: [&str; 23] = [
    "/events",
    "/events.schema.json",
    "/v1/{call}",
    "/beacon/v1/batch",
    "/v1/projects/{key}/settings",
    "/sourceConfig",
    "/batch",
    "/e",
    "/i/v0/e",
    "/capture",
    "/track",
    "/engage",
    "/flags",
    "/decide",
    "/array/{token}/config",
    "/array/{token}/config.js",
    "/s",
    "/t.js",
    "/t.{hash}.js",
    "/livez",
    "/readyz",
    "/api/auth/sign-up/email",
    "/api/auth/sign-in/email",
];

async fn document(service: &Service) -> Value {
    let answer = service.get("/api-docs.json").await.expect(200);
    assert!(answer.header("content-type").starts_with("application/json"));
    answer.json()
}

#[tokio::test]
async fn the_document_is_openapi_3_1_and_names_every_route_and_status() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let document = document(&service).await;
    let version = document["openapi"].as_str().expect("a version");
    assert!(version.starts_with("3.1."), "{version}");
    for (path, method, statuses) in ROUTES {
        let operation = &document["paths"][path][method];
        assert!(operation.is_object(), "{method} {path} is not documented");
        for status in statuses {
            let response = &operation["responses"][status.to_string()];
            let described = response["description"].as_str().unwrap_or_default();
            assert!(!described.is_empty(), "{method} {path} lacks {status}");
        }
    }
}

/// Whoever is known and looks or changes something.
#[tokio::test]
async fn a_reason_may_be_given_wherever_something_is_noted() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let document = document(&service).await;
    for (path, method, with_reason) in [
        ("/users/{userId}/journey", "get", true),
        ("/api/tokens", "get", true),
        ("/api/staff/{id}", "patch", true),
        ("/dead-letters/{id}", "delete", true),
        ("/api/auth/sign-in/email", "post", false),
        ("/stats", "get", false),
        ("/events", "post", false),
    ] {
        let operation = &document["paths"][path][method];
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let has = parameters.iter().any(|parameter| parameter["name"] == "X-Reason");
        assert_eq!(has, with_reason, "{method} {path}");
        if has {
            assert!(operation["responses"]["400"].is_object(), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn every_operation_has_a_name_of_its_own() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let document = document(&service).await;
    let mut seen = HashSet::new();
    for operations in document["paths"].as_object().expect("paths").values() {
        for operation in operations.as_object().expect("operations").values() {
            let name = operation["operationId"].as_str().expect("a name");
            assert!(seen.insert(name), "{name} is there twice");
        }
    }
}

#[tokio::test]
async fn the_document_says_how_a_caller_makes_itself_known() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let document = document(&service).await;
    let schemes = &document["components"]["securitySchemes"];
    assert_eq!(schemes["session"]["in"], "cookie");
    assert_eq!(schemes["session"]["name"], "trailkeep");
    assert_eq!(schemes["token"]["scheme"], "bearer");
    assert_eq!(schemes["writeKeyHeader"]["name"], "X-Write-Key");
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            let needs_none = operation["security"]
                .as_array()
                .is_none_or(|ways| ways.iter().any(|way| *way == serde_json::json!({})));
            assert_eq!(needs_none, OPEN.contains(&path.as_str()), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_token_of_a_session_is_not_promised_to_everybody() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let document = document(&service).await;
    for (path, method) in [
        ("/api/auth/sign-up/email", "post"),
        ("/api/auth/sign-in/email", "post"),
        ("/api/auth/change-password", "post"),
        ("/api/auth/get-session", "get"),
        ("/session", "get"),
    ] {
        let answer = &document["paths"][path][method]["responses"]["200"];
        let body = resolve(&document, &answer["content"]["application/json"]["schema"]);
        let session = resolve(&document, &body["properties"]["session"]);
        let token = &session["properties"]["token"];
        assert_eq!(token["type"], "string", "{path}: {token}");
        assert!(token["description"].is_string(), "{path}: {token}");
        let required = session["required"].as_array().expect("a list");
        assert!(required.contains(&"expiresAt".into()), "{path}");
        assert!(!required.contains(&"token".into()), "{path}");
    }
}

#[tokio::test]
async fn the_documentation_can_be_switched_off() {
    let home = Home::embedded();
    let service = Service::start_with(&home, &[("HTTP_API_DOCS", "false")]).await;
    for path in ["/api-docs", "/api-docs.json", "/api-docs/swagger-ui.css"] {
        service.get(path).await.problem(404);
    }
}

#[tokio::test]
async fn the_page_runs_no_script_but_its_own_and_stands_in_no_frame() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let answer = service.get("/api-docs").await.expect(200);
    let policy = answer.header("content-security-policy");
    assert!(policy.contains("script-src 'self';"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    assert!(!answer.text().contains("<script>"));
}

#[tokio::test]
async fn every_reference_in_the_document_leads_somewhere() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let document = document(&service).await;
    let mut values = vec![&document];
    while let Some(value) = values.pop() {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            let pointer = reference.strip_prefix('#').expect("a local reference");
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
        match value {
            Value::Array(list) => values.extend(list),
            Value::Object(fields) => values.extend(fields.values()),
            _ => {}
        }
    }
}

#[tokio::test]
async fn every_json_schema_in_use_has_an_example() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let document = document(&service).await;
    for (path, method, statuses) in ROUTES {
        for status in statuses {
            let response = &document["paths"][path][method]["responses"][status.to_string()];
            for (media_type, content) in response["content"].as_object().into_iter().flatten() {
                if !media_type.ends_with("/json") && !media_type.ends_with("+json") {
                    continue;
                }
                let schema = resolve(&document, &content["schema"]);
                // Of a list, what its entries have.
                let schema = resolve(&document, schema.get("items").unwrap_or(schema));
                let has_example = content.get("example").is_some()
                    || content.get("examples").is_some()
                    || has_examples(schema);
                assert!(has_example, "{method} {path} {status}: no example");
            }
        }
    }
}

fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => document.pointer(&reference[1..]).expect("a schema"),
        None => schema,
    }
}

/// The schema's own, or one on a field of it.
fn has_examples(schema: &Value) -> bool {
    let own = |schema: &Value| schema.get("example").is_some() || schema.get("examples").is_some();
    own(schema) || schema["properties"].as_object().is_some_and(|fields| fields.values().any(own))
}

#[tokio::test]
async fn the_pages_scripts_and_styles_are_served_too() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    for path in ["/api-docs", "/api-docs/"] {
        let response = service.http.get(service.url(path)).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let page_url = response.url().clone();
        let media_type = response.headers()["content-type"].to_str().unwrap();
        assert!(media_type.starts_with("text/html"), "{media_type}");
        let page = response.text().await.unwrap();

        let assets = linked(&page);
        assert!(assets.iter().any(|asset| asset.ends_with(".js")));
        assert!(assets.iter().any(|asset| asset.ends_with(".css")));
        for asset in assets {
            let url = page_url.join(&asset).expect("a link");
            assert_eq!(url.host_str(), page_url.host_str(), "{asset} is elsewhere");
            let answer = service.http.get(url.clone()).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{url}");
            assert!(!answer.bytes().await.unwrap().is_empty(), "{url}");
        }
    }
}

/// The values of `src` and `href` in a page.
fn linked(page: &str) -> Vec<String> {
    ["src=\"", "href=\""]
        .iter()
        .flat_map(|attribute| page.split(attribute).skip(1))
        .filter_map(|rest| rest.split('"').next())
        .filter(|link| !link.is_empty() && !link.starts_with("data:"))
        .map(str::to_owned)
        .collect()
}
