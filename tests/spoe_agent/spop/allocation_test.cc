// The library allocates nothing per frame once it is warm. Its own program, since it replaces
// operator new.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <string>

#include "spoe_agent/spop/captures.h"
#include "spoe_agent/spop/frames.h"
#include "spop/connection.h"
#include "spop/pick_message.h"

namespace {

unsigned long allocations = 0;

void* counted(std::size_t size) noexcept {
  ++allocations;
  return std::malloc(size);
}

}  // namespace

void* operator new(std::size_t size) {
  void* memory = counted(size);
  if (memory == nullptr) std::abort();
  return memory;
}
void* operator new[](std::size_t size) { return operator new(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return counted(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return counted(size); }
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete[](void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}

namespace leastwise::spop {
namespace {

class Picker : public Handler {
 public:
  void on_notify(Messages messages, Actions& actions) noexcept override {
    if (!pick_.read(messages)) return;
    for (const ServerLoad& load : pick_.servers()) {
      actions.set_var(Scope::kTransaction, "srv", load.name);
      ++servers_seen;
    }
  }

  unsigned servers_seen = 0;

 private:
  PickMessage pick_;
};

class AllocationTest : public testing::Test {
 protected:
  AllocationTest() { feed(test::unhex(test::kCapturedHello), 1000); }

  void feed(const std::string& input, std::size_t piece) {
    for (std::size_t at = 0; at < input.size(); at += piece) {
      connection_.feed(test::as_bytes(std::string_view(input).substr(at, piece)), output_);
    }
    output_.consume(output_.size());
  }

  Picker picker_;
  Connection connection_{picker_};
  Buffer output_;
};

TEST_F(AllocationTest, TheCounterCounts) {
  const unsigned long before = allocations;
  Buffer buffer;
  buffer.append(test::as_bytes("x"));
  EXPECT_EQ(allocations, before + 1);
}

TEST_F(AllocationTest, ANotifyAllocatesNothingAfterTheFirst) {
  const std::string notify = test::unhex(test::kCapturedNotify);
  feed(notify, notify.size());
  const unsigned long before = allocations;
  for (int i = 0; i < 1000; ++i) feed(notify, notify.size());
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(picker_.servers_seen, 2002U);
}

TEST_F(AllocationTest, ABatchOfTwentyInPiecesAllocatesNothingAfterTheFirst) {
  std::string batch;
  for (int i = 0; i < 20; ++i) batch += test::unhex(test::kCapturedNotify);
  feed(batch, 100);
  const unsigned long before = allocations;
  for (int i = 0; i < 50; ++i) feed(batch, 100);
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(picker_.servers_seen, 51U * 40U);
}

}  // namespace
}  // namespace leastwise::spop
