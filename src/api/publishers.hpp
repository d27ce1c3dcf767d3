#pragma once
#include <string>

#include "api/routes.hpp"

namespace rollcall::api {

/// The members `publisher` and, where there is one, `webhook`, each with a leading comma.
void append_publishers(std::string& json, const ApiParts& parts);

void add_publisher_metrics(OwnMetrics& metrics, const ApiParts& parts);

}  // namespace rollcall::api
