//! Todos: a store without a schema inside a service of one's own, which changes what `get` and `remove` answer.

use feathers::Method;
use feathers::app::Descriptor;
use feathers::prelude::*;
use serde_json::Value;

/// The todos; the id 0 is there from the start.
struct Todos(Memory<Document>);

/// Mounts the todos and adds the first one.
pub(super) fn mount(app: &mut App) {
    app.service("todos", Todos(Memory::<Document>::new().multi(true).client_ids(true)));
    app.around_setup(|app, next| async move {
        next.run().await?;
        app.service("todos")?.create(json!({ "text": "some todo", "complete": false, "id": 0 }), ()).await?;
        Ok(())
    });
}

#[async_trait]
impl Service for Todos {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(Method::STANDARD).method("customMethod", "Answers with what it was called with.")
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        match request.method {
            Method::Get => self.get(request).await,
            Method::Remove => self.remove(request).await,
            Method::Custom(_) => Ok(custom(&request)?.into()),
            _ => self.0.call(request).await,
        }
    }
}

impl Todos {
    /// Answers the todo with the query of the call added to it, and with the `Authorization` header if there is one.
    async fn get(&self, mut request: Request<'_>) -> Result<Payload> {
        let Params { query, headers, .. } = request.params;
        if truthy(query.get("error")) {
            return Err(std::io::Error::other("Something went wrong").into());
        }
        if truthy(query.get("feathersError")) {
            return Err(Error::not_acceptable("This is a Feathers error").with_data(json!({ "data": true })));
        }
        let mut result = json!({ "query": query });
        let authorization = headers.value("authorization").map(str::to_owned);
        let no_query = Params::new();
        request.params = &no_query;
        let todo = self.0.call(request).await?;
        for (field, value) in todo.value()?.as_object().into_iter().flatten() {
            result[field] = value.clone();
        }
        if let Some(authorization) = authorization {
            result["authorization"] = authorization.into();
        }
        Ok(result.into())
    }

    async fn remove(&self, request: Request<'_>) -> Result<Payload> {
        let query = &request.params.query;
        if request.id.is_none() {
            return Ok(json!({ "id": null, "text": "deleted many" }).into());
        }
        if truthy(query.get("noContent")) || truthy(query.get("nullContent")) {
            return Ok(Payload::NULL);
        }
        self.0.call(request).await
    }
}

fn custom(request: &Request<'_>) -> Result<Value> {
    let provider = request.params.provider.map(feathers::call::Provider::name);
    Ok(json!({ "data": request.data.value()?, "provider": provider, "type": "customMethod" }))
}

/// Tells whether a query word is there and means yes.
pub(super) fn truthy(value: Option<&Value>) -> bool {
    !matches!(value, None | Some(Value::Null | Value::Bool(false))) && value != Some(&Value::from(""))
}
