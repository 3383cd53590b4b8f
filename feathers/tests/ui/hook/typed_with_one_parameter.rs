//! A typed hook takes the draft and the context.

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    text: String,
}

async fn polite(draft: &mut TodoDraft) -> Result<()> {
    draft.text.push('!');
    Ok(())
}

fn main() {
    let mut app = App::new();
    app.service("todos", Memory::<Todo>::new()).before("create", hook::typed(polite));
}
