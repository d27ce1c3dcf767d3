#include "model/validate.hpp"

#include <gtest/gtest.h>

namespace rollcall {
namespace {

using namespace std::chrono_literals;

InstanceSpec valid_spec() {
  InstanceSpec spec;
  spec.service = ServiceName("billing");
  spec.address = "127.0.0.1";
  spec.port = 8080;
  spec.lease = LeaseTerms{};
  return spec;
}

TEST(ValidateName, TakesAnyUtf8WithoutControlCharacters) {
  const ModelLimits limits;
  EXPECT_TRUE(validate_name("Größe/日本 %", "service", limits));
  EXPECT_TRUE(validate_name(std::string(255, 'x'), "service", limits));
  for (const auto& bad : std::vector{std::string(), std::string(256, 'x'), std::string("a\nb"), std::string("a\0b", 3),
                                     std::string("\x7f"), std::string("\xC2\x85"), std::string("\xFF"),
                                     std::string("\xED\xA0\x80"), std::string("\xC0\x80"), std::string("\xE2\x82")}) {
    const auto result = validate_name(bad, "service", limits);
    ASSERT_FALSE(result) << bad;
    EXPECT_EQ(result.error().code, ErrorCode::invalid);
    EXPECT_EQ(result.error().field, "service");
  }
}

TEST(ValidateSpec, NamesTheFieldAtFault) {
  const ModelLimits limits;
  EXPECT_TRUE(validate(valid_spec(), limits));

  auto spec = valid_spec();
  spec.lease->ttl = 999ms;
  EXPECT_EQ(validate(spec, limits).error().field, "ttl");
  spec.lease->ttl = 3'600'001ms;
  EXPECT_EQ(validate(spec, limits).error().message, "is 3600.001 s; allowed are 1 to 3600 s");

  spec = valid_spec();
  spec.tags = {"a", "a"};
  EXPECT_EQ(validate(spec, limits).error().field, "tags");

  spec = valid_spec();
  spec.metadata = {{"k", "\xFF"}};
  EXPECT_EQ(validate(spec, limits).error().field, "metadata.k");

  spec = valid_spec();
  spec.check = CheckSpec{.target = "127.0.0.1:1", .interval = 500ms};
  EXPECT_EQ(validate(spec, limits).error().field, "check.interval");
}

}  // namespace
}  // namespace rollcall
