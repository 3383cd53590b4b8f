//! Drafts: the data of a call as hooks see it by type, with the fields that clients may not set.

use feathers::Method;
use feathers::hook::Drafts;
use feathers::prelude::*;
use feathers_testing::Client;
use serde_json::Value;

/// A ticket with what only the server sets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Service)]
struct Ticket {
    #[service(id)]
    id: i64,
    #[service(length(1..=20))]
    title: String,
    #[service(immutable)]
    requester_id: i64,
    #[service(server)]
    organisation_id: i64,
}

/// A record that clients set and change as they like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Service)]
struct Plain {
    #[service(id)]
    id: i64,
    text: String,
}

async fn organise(ctx: &mut Context) -> Result<()> {
    if *ctx.method() == Method::Patch {
        let mut drafts: Drafts<TicketPatchDraft> = ctx.drafts().await?;
        for draft in &mut drafts {
            draft.organisation_id = Some(4);
        }
        return ctx.set_drafts(drafts);
    }
    let mut drafts: Drafts<TicketDraft> = ctx.drafts().await?;
    for draft in &mut drafts {
        draft.organisation_id = Some(3);
        draft.title.push('!');
    }
    ctx.set_drafts(drafts)
}

async fn serve() -> AppHandle {
    let mut app = App::new();
    app.service("tickets", Memory::<Ticket>::new().multi(true)).before(["create", "update", "patch"], organise);
    app.start().await.unwrap()
}

#[tokio::test]
async fn hooks_change_drafts_once_for_each_element() {
    let app = serve().await;
    let client = Client::connect(&app).await;
    let tickets = client.service("tickets");
    let ticket = |id: i64, title: &str, organisation: i64| json!({ "id": id, "title": title, "requester_id": 7, "organisation_id": organisation });

    assert_eq!(tickets.create(json!({ "title": "a", "requester_id": 7 })).await.unwrap(), ticket(1, "a!", 3));
    let two = json!([{ "title": "b", "requester_id": 7 }, { "title": "c", "requester_id": 7 }]);
    assert_eq!(tickets.create(two).await.unwrap(), json!([ticket(2, "b!", 3), ticket(3, "c!", 3)]));
    assert_eq!(tickets.create(json!([])).await.unwrap(), json!([]));
    assert_eq!(tickets.update(1, json!({ "title": "d", "requester_id": 7 })).await.unwrap(), ticket(1, "d!", 3));
    assert_eq!(tickets.patch(Some(1.into()), json!({ "title": "e" })).await.unwrap(), ticket(1, "e", 4));
    // What the hook has not replaced is still the client's.
    let error = tickets.patch(Some(1.into()), json!({ "requester_id": 8 })).await.unwrap_err();
    assert_eq!(error.data().unwrap()[0]["instancePath"], "/requester_id");
}

#[tokio::test]
async fn data_that_is_no_draft_lists_every_mistake() {
    let app = serve().await;
    let client = Client::connect(&app).await;
    for data in [json!({ "title": 1, "colour": "red" }), json!([{ "title": 1, "colour": "red" }])] {
        let error = client.service("tickets").create(data).await.unwrap_err();
        let mistakes: Vec<_> =
            error.data().and_then(Value::as_array).unwrap().iter().map(|item| item["message"].clone()).collect();
        let expected =
            ["must have required property 'requester_id'", "must NOT have additional properties", "must be string"];
        assert_eq!((error.code(), mistakes), (400, expected.map(Value::from).to_vec()));
    }
    assert_eq!(client.service("tickets").find().await.unwrap(), json!([]));
}

#[tokio::test]
async fn the_draft_of_another_method_is_an_error() {
    let mut app = App::new();
    app.service("plain", Memory::<Plain>::new()).before("patch", async |ctx: &mut Context| {
        let drafts: Drafts<PlainDraft> = ctx.drafts().await?;
        ctx.set_drafts(drafts)
    });
    let plain = app.start().await.unwrap().service("plain").unwrap();
    plain.create(json!({ "text": "a" }), ()).await.unwrap();
    let error = plain.patch(Some(1.into()), json!({ "text": "b" }), ()).await.unwrap_err();
    assert_eq!(error.code(), 500);
    assert!(error.source().unwrap().to_string().contains("the data of 'patch' is no"), "{error:?}");
}

#[test]
fn the_data_of_clients_becomes_a_draft() {
    let data = TicketData { id: None, title: "a".to_owned(), requester_id: 7 };
    let draft = TicketDraft::from(data);
    assert_eq!((draft.title.as_str(), draft.requester_id, draft.organisation_id), ("a", 7, None));
    assert!(
        serde_json::from_value::<TicketData>(json!({ "title": "a", "requester_id": 7, "organisation_id": 1 })).is_err()
    );
    assert!(serde_json::from_value::<TicketPatch>(json!({ "requester_id": 7 })).is_err());
    let patch = TicketPatchDraft::from(TicketPatch { title: Some("b".to_owned()), ..Default::default() });
    assert_eq!((patch.title.as_deref(), patch.requester_id), (Some("b"), None));

    // Where clients may send everything, both are one type.
    let PlainDraft { text, .. } = PlainData { id: None, text: "a".to_owned() };
    let PlainPatchDraft { text: changed, .. } = PlainPatch { text: Some("b".to_owned()), ..Default::default() };
    assert_eq!((text.as_str(), changed.as_deref()), ("a", Some("b")));
}
