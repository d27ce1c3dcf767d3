#include "autoscale/service_spec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rollcall::autoscale {
namespace {

constexpr std::string_view kService =
    R"({"ID":"6aojhy4t","Version":{"Index":18446744073709551615},"Spec":{"Name":"web","Labels":{"a":"ä\n"},)"
    R"("TaskTemplate":{"Resources":{"Limits":{"NanoCPUs":9007199254740993}},"Unknown":[1.5,null,true]},)"
    R"("Mode":{"Replicated":{"Replicas":2}}},"PreviousSpec":{"Name":"old"}})";

TEST(ScaledSpec, ChangesTheNumberOfReplicasAndNothingElse) {
  const auto scaled = scaled_spec(kService, 2, 3);
  ASSERT_TRUE(scaled);
  EXPECT_EQ(scaled->version, 18446744073709551615U);
  EXPECT_EQ(scaled->json,
            R"({"Name":"web","Labels":{"a":"ä\n"},)"
            R"("TaskTemplate":{"Resources":{"Limits":{"NanoCPUs":9007199254740993}},"Unknown":[1.5E0,null,true]},)"
            R"("Mode":{"Replicated":{"Replicas":3}}})");
}

TEST(ScaledSpec, RefusesWhenSomebodyElseHasScaled) {
  const auto refused = scaled_spec(kService, 1, 2);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr("wants 2 replicas by now, not 1"));
}

TEST(ScaledSpec, RefusesWhatIsNoReplicatedService) {
  for (const auto* text : {"", "[]", "{}", R"({"Version":{"Index":1},"Spec":{"Mode":{"Global":{}}}})",
                           R"({"Version":{"Index":"1"},"Spec":{"Mode":{"Replicated":{"Replicas":1}}}})"}) {
    const auto refused = scaled_spec(text, 1, 2);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, ErrorCode::incompatible) << text;
  }
}

}  // namespace
}  // namespace rollcall::autoscale
