//! Attachments: files of tickets, streamed up and down, behind the rights of their ticket.

use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Json, Router};
use feathers::app::Access;
use feathers::call::Provider;
use feathers::prelude::*;
use feathers::query::Condition;
use feathers::transports::error_response;
use futures_util::StreamExt;
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt;
use tokio_util::io::ReaderStream;
use uuid::Uuid;

use crate::tickets::Ticket;
use crate::users::User;

/// The largest file, in bytes: more is a 413 of the server.
pub(crate) const MAX_FILE: usize = 10 << 20;

/// A file of a ticket. The record is made when the whole file is there, so that none is told that is not.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
#[serde(rename_all = "camelCase")]
struct Attachment {
    /// The name of the file in the folder, too.
    #[service(id)]
    id: Uuid,
    #[service(references(Ticket, on_delete = cascade))]
    ticket_id: i64,
    organisation_id: i64,
    requester_id: i64,
    #[service(length(1..=200))]
    name: String,
    size: u64,
}

/// Mounts the service `attachments`: clients read and remove; [`routes`] makes them.
pub(crate) async fn mount(app: &mut App, db: &Database) -> Result<()> {
    let access = Access::of::<User>().read(visible).remove(|user| visible(user) & user.is_staff().into());
    app.service("attachments", db.store::<Attachment>().await?.paginate(Paginate::new(50).max(100))).access(access);
    Ok(())
}

fn visible(user: &User) -> Condition<Attachment> {
    if user.is_staff() {
        Attachment::ORGANISATION_ID.eq(user.organisation_id)
    } else {
        Attachment::REQUESTER_ID.eq(user.id)
    }
}

/// Returns `POST /files/:ticket?name=..` and `GET /files/:attachment`.
pub(crate) fn routes(folder: PathBuf) -> Router {
    Router::new().route("/files/{id}", post(upload).get(download)).with_state(Arc::new(folder))
}

type Folder = State<Arc<PathBuf>>;

#[derive(Deserialize)]
struct Named {
    name: String,
}

async fn upload(
    State(folder): Folder,
    Extension(app): Extension<AppHandle>,
    Path(ticket): Path<i64>,
    Query(Named { name }): Query<Named>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done = async {
        let ticket: Ticket = app.service("tickets")?.get(ticket, caller(headers)).await?.decode()?;
        let id = Uuid::new_v4();
        let path = folder.join(id.to_string());
        fs::create_dir_all(&*folder).await?;
        let size = match write(&path, body).await {
            Ok(size) => size,
            Err(error) => {
                fs::remove_file(&path).await?;
                return Err(error);
            }
        };
        let (organisation_id, requester_id) = (ticket.organisation_id, ticket.requester_id);
        let record = Attachment { id, ticket_id: ticket.id, organisation_id, requester_id, name, size };
        // From inside: clients make none by themselves.
        let made = app.service("attachments")?.create(Payload::new(record), ()).await;
        if made.is_err() {
            fs::remove_file(&path).await?;
        }
        made
    };
    match done.await.and_then(|record| record.value().cloned()) {
        Ok(record) => Json(record).into_response(),
        Err(error) => error_response(&error),
    }
}

/// Writes a body into a file, piece by piece.
async fn write(path: &std::path::Path, body: Body) -> Result<u64> {
    let (mut file, mut body, mut size) = (File::create_new(path).await?, body.into_data_stream(), 0);
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|_| Error::bad_request("the file has broken off"))?;
        size += piece.len() as u64;
        file.write_all(&piece).await?;
    }
    file.sync_all().await?;
    Ok(size)
}

async fn download(
    State(folder): Folder,
    Extension(app): Extension<AppHandle>,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
) -> Response {
    let found = async {
        app.service("attachments")?.get(id.to_string(), caller(headers)).await?;
        Ok::<_, Error>(File::open(folder.join(id.to_string())).await?)
    };
    match found.await {
        // Never shown by the browser as a page of this site.
        Ok(file) => (
            [("content-type", "application/octet-stream"), ("content-disposition", "attachment")],
            Body::from_stream(ReaderStream::new(file)),
        )
            .into_response(),
        Err(error) => error_response(&error),
    }
}

/// Returns the parameters of a call with the rights of who sends this request.
fn caller(headers: HeaderMap) -> Params {
    let mut params = Params::new();
    params.provider = Some(Provider::REST);
    params.headers = headers.into();
    params.as_caller()
}
