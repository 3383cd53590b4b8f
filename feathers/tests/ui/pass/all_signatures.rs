//! Every signature that is legal.

#![deny(warnings)]

use feathers::prelude::*;

type ApiResult<T> = Result<T>;

struct All;

#[service]
impl All {
    async fn find(&self) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }

    async fn get(&self, _id: Id) -> std::io::Result<u8> {
        Ok(1)
    }

    pub async fn create(&self, _data: Payload) -> feathers::Result<Payload> {
        Ok(Payload::NULL)
    }

    async fn update(&self, id: i64, (_a, _b): (u8, u8), _params: &Params) -> ApiResult<i64> {
        Ok(id)
    }

    async fn patch<'a>(&'a self, _id: Option<Id>, _data: Vec<String>, _params: &'a feathers::Params) -> Result<()> {
        Ok(())
    }

    async fn remove(&self, _id: std::option::Option<String>) -> Result<()> {
        Ok(())
    }

    #[method]
    async fn only_params(&self, _params: &Params) -> Result<()> {
        Ok(())
    }

    #[method]
    async fn nothing(&self) -> Result<()> {
        Ok(())
    }

    #[method(name = "snake_case")]
    async fn both(&self, _data: Option<u8>, _params: &Params) -> Result<Option<u8>> {
        Ok(None)
    }

    #[method]
    async fn r#loop(&self) -> Result<()> {
        Ok(())
    }
}

fn main() {
    let names: Vec<_> = All.descriptor().methods.into_iter().map(|info| info.method.name().to_owned()).collect();
    assert_eq!(
        names,
        ["find", "get", "create", "update", "patch", "remove", "onlyParams", "nothing", "snake_case", "loop"]
    );
}
