//! Invariants of the gateway's routes.

use serde_json::json;
use webhook::http::route::Route;

use super::document::template;
use super::read::{of_type, property};

/// Requests per second of the routes with their own limit: half of what the webhook function can serve is left to GitLab.
const LIMITED: [(Route, u64); 2] = [(Route::AuditEvents, 60), (Route::AuditGitlab, 20)];

#[test]
fn every_route_is_served_and_permitted() {
    let template = template();
    let mut keys: Vec<_> = of_type(&template, "AWS::ApiGatewayV2::Route")
        .map(|(_, route)| route["RouteKey"].as_str().unwrap().to_owned())
        .collect();
    keys.sort_unstable();
    let mut served = Route::ALL.map(|route| format!("POST {}", route.path()));
    served.sort_unstable();
    assert_eq!(keys, served);
    let permitted: Vec<_> = of_type(&template, "AWS::Lambda::Permission")
        .filter_map(|(_, permission)| permission["SourceArn"]["Fn::Sub"].as_str()?.split_once("/*/"))
        .map(|(_, path)| path.replacen('/', " /", 1))
        .collect();
    for key in served {
        assert!(
            permitted.contains(&key),
            "{key} may not invoke the function: {permitted:?}"
        );
    }
}

/// AWS validates this only while it deploys: "Unable to find Route by key".
#[test]
fn limits_of_routes_need_their_routes() {
    let template = template();
    let settings = property(&template, "ApiStage", "RouteSettings").as_object().unwrap();
    assert_eq!(settings.len(), LIMITED.len());
    for (route, rate) in LIMITED {
        let limit = &settings[&format!("POST {}", route.path())];
        assert_eq!(
            (&limit["ThrottlingRateLimit"], &limit["ThrottlingBurstLimit"]),
            (&json!(rate), &json!(rate))
        );
    }
    let routes: Vec<_> = of_type(&template, "AWS::ApiGatewayV2::Route")
        .map(|(name, _)| json!(name))
        .collect();
    let needed = template["Resources"]["ApiStage"]["DependsOn"].as_array().unwrap();
    for route in routes {
        assert!(needed.contains(&route), "the stage must wait for {route}");
    }
}
