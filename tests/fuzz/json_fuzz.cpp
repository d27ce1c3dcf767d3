// Bodies as clients may send them. The first byte chooses the decoder; whatever is accepted must keep the rules that
// the decoder promises, and must encode to JSON that decodes again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "codec/json.hpp"
#include "model/validate.hpp"

namespace {

using namespace rollcall;

void require(bool holds) {
  if (!holds) std::abort();
}

template <class T>
void require_clear(const Result<T>& result) {
  if (result) return;
  require(result.error().code == ErrorCode::invalid);
  require(!result.error().message.empty());
  require(is_utf8(result.error().message) && is_utf8(result.error().field));
}

void fuzz_registration(std::string_view json) {
  const ModelLimits limits;
  const auto body = codec::decode_registration(json, ServiceName("s"), limits);
  require_clear(body);
  if (!body) return;
  require(validate(body->spec, limits).has_value());
  Instance instance;
  instance.id = body->id.value_or(InstanceId("none"));
  instance.spec = body->spec;
  std::string shown;
  codec::append_instance(shown, instance);
  require(is_utf8(shown));
  // The shown instance has members that a registration hasn't: refused, but as JSON that was understood.
  const auto again = codec::decode_registration(shown, ServiceName("s"), limits);
  require(!again && !again.error().field.empty());
}

/// Where the body names the service, `name` is all that differs.
void fuzz_named_registration(std::string_view json) {
  const ModelLimits limits;
  const auto named = codec::decode_named_registration(json, limits);
  require_clear(named);
  if (!named) return;
  require(validate_name(named->spec.service.view(), "name", limits).has_value());
  require(validate(named->spec, limits).has_value());
  const auto unnamed = codec::decode_registration(json, ServiceName("s"), limits);
  require(!unnamed && unnamed.error().field == "name");
}

void fuzz_instance_call(std::string_view json) {
  const auto call = codec::decode_instance_call(json, ModelLimits{});
  require_clear(call);
  if (call) require(validate_name(call->id.view(), "id", ModelLimits{}).has_value());
}

void fuzz_heartbeats(std::string_view json) {
  const auto ids = codec::decode_heartbeats(json, ModelLimits{}, 16);
  require_clear(ids);
  if (!ids) return;
  std::string again = R"({"ids":[)";
  for (const auto& id : *ids) {
    if (again.back() != '[') again += ',';
    codec::append_string(again, id);
  }
  again += "]}";
  require(codec::decode_heartbeats(again, ModelLimits{}, 16) == *ids);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view json(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      fuzz_registration(json);
      fuzz_named_registration(json);
      break;
    case 1:
      fuzz_heartbeats(json);
      break;
    case 2:
      require_clear(codec::decode_heartbeat(json, ModelLimits{}));
      fuzz_instance_call(json);
      break;
    default:
      require_clear(codec::decode_maintenance(json, ModelLimits{}));
  }
  return 0;
}
