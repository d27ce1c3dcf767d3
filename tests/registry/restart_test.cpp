// What a restart leaves of leases, in virtual time.
#include "registry/registry_harness.hpp"

namespace rollcall::testing {
namespace {

using RegistryRestartTest = RegistryTest;

// The disk was full when the lease ran out at 30 s, so that it lapsed, and readers were told, at about 61 s. From there
// on it has its 20 s, of which a restart takes none but those that had passed.
TEST_F(RegistryRestartTest, ALapsedInstanceKeepsItsTimeFromWhenReadersWereTold) {
  Register wanted = registration("a");
  wanted.spec.lease->deregister_after = 20s;
  ASSERT_TRUE(submit(wanted));
  time_->advance(15s);
  daemon_->store.fault = ErrorCode::unavailable;
  time_->advance(45s);
  daemon_->store.fault.reset();
  ASSERT_FALSE(daemon_->catalog.find_instance("a")->lapsed);
  time_->advance(14s);
  ASSERT_TRUE(daemon_->catalog.find_instance("a")->lapsed);

  restart();
  time_->advance(5s);
  EXPECT_TRUE(alive("a")) << "it was critical for 14 s, and the daemon has run for 5 s since";
  time_->advance(16s);
  EXPECT_FALSE(alive("a")) << "but its time doesn't begin anew";
}

}  // namespace
}  // namespace rollcall::testing
