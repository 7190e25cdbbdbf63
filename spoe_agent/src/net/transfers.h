// Transfers: HTTP requests of one thread, any number at a time, none of which it waits for.
//
// A request ends with exactly one call of its `done`, from within wait(), unless it is cancelled.
// `done` may start and cancel other requests; `data` may not. Nothing is followed that
// an answer points to. Not thread safe.
#ifndef LEASTWISE_SPOE_AGENT_NET_TRANSFERS_H_
#define LEASTWISE_SPOE_AGENT_NET_TRANSFERS_H_

#include <poll.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "leastwise/clock.h"

namespace leastwise::net {

// Whom to trust, and who we are. Paths of PEM files, read for each connection.
struct Tls {
  std::string ca_file;             // empty: the system's
  std::string ca_text{};           // instead of a file
  std::string certificate_file{};  // empty: none
  std::string key_file{};
  std::string certificate_text{};  // instead of a file
  std::string key_text{};
  bool is_verified = true;

  bool operator==(const Tls&) const = default;
};

struct Request {
  std::string method = "GET";
  std::string url;
  std::string unix_socket{};  // path; empty: the network
  std::string body{};
  std::vector<std::string> headers{};  // "Name: value"
  Tls tls{};
  // Of the whole exchange; zero: as long as it goes on. And how long nothing may arrive; zero: any.
  Duration timeout{};
  Duration silence{};
  std::size_t most_bytes = std::size_t{32} << 20;  // of a body that is kept
};

struct Answer {
  int status = 0;       // of HTTP; 0: there was no answer
  std::string body{};   // but for what went to `data`
  std::string error{};  // why there was none, or why it ended early
  std::optional<Duration> retry_after{};
};

// As a part of a path.
std::string escaped(std::string_view text);

class Transfers {
 public:
  using Id = std::uint64_t;  // 0 is none
  using Done = std::function<void(const Answer&)>;
  // Gets the body of a 200 as it comes, and nothing at all once its head is there. False ends the
  // request.
  using Data = std::function<bool(std::string_view)>;

  Transfers();
  ~Transfers();
  Transfers(const Transfers&) = delete;
  Transfers& operator=(const Transfers&) = delete;

  Id start(Request request, Done done, Data data = {});
  void cancel(Id id);  // a request that has ended is none any more

  // Waits until something happened, also to `others`, as poll(2) does, or the time is over. Calls
  // what has to be called.
  void wait(Duration longest, std::span<pollfd> others = {});

 private:
  struct Transfer;
  struct Multi;

  void finish_all();

  std::unique_ptr<Multi> multi_;
  std::map<Id, std::unique_ptr<Transfer>> transfers_;
  Id last_ = 0;
};

}  // namespace leastwise::net

#endif  // LEASTWISE_SPOE_AGENT_NET_TRANSFERS_H_
