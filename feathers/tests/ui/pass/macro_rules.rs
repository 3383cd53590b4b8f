//! Records and services that a macro writes.

#![deny(warnings)]

use feathers::prelude::*;

macro_rules! record {
    ($name:ident, $id:ty, $field:ident: $ty:ty = $default:expr) => {
        #[derive(Clone, Debug, Serialize, Deserialize, Service)]
        struct $name {
            #[service(id)]
            id: $id,
            #[service(default = $default)]
            $field: $ty,
            #[service(server)]
            seen: $ty,
        }
    };
}

record!(Todo, i64, rank: Option<u8>  = Some(3));
record!(Note, String, rank: f32 = 1.5);

macro_rules! echo {
    ($name:ident, $data:ty, $result:ty) => {
        struct $name;

        #[service]
        impl $name {
            async fn create(&self, data: $data, _params: &Params) -> $result {
                Ok(data)
            }

            async fn get(&self, id: Id) -> Result<Id> {
                Ok(id)
            }
        }
    };
}

echo!(Echo, String, Result<String>);

fn main() {
    let mut app = App::new();
    app.service("todos", Memory::<Todo>::new());
    app.service("notes", Memory::<Note>::new());
    app.service("echo", Echo);
}
