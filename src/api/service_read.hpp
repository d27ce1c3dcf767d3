#pragma once
// GET /services/{name}, at once or when it has changed.
#include "api/answers.hpp"

namespace rollcall::api {

[[nodiscard]] Response service_answer(const ApiParts& parts, const boost::local_shared_ptr<const ServiceView>& view);

/// With ?index=: waits, at most as long as ?wait= says, until the service is newer.
[[nodiscard]] Result<Answer> poll_service(const PartsPtr& parts, const Request& request);

}  // namespace rollcall::api
