// HTTP/1.1 for a few pages to read: GET, keep-alive, answers in parts. And for requests that act,
// with any method and a short body, one a connection. Nothing else of it.
//
// Of a page a request with a body, or more behind its head, is answered and the connection closed;
// so is any other method than GET (405), a head of more than kMostHead (431), and what is no HTTP/1
// (400). A body of more than kMostBody is refused (413).
#ifndef LEASTWISE_SPOE_AGENT_SERVE_HTTP_H_
#define LEASTWISE_SPOE_AGENT_SERVE_HTTP_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "serve/session.h"

namespace leastwise::agent {

// An answer that is too long to be made at once.
class Parts {
 public:
  virtual ~Parts() = default;
  // Appends the next part. False when it was the last.
  virtual bool next(std::string& out) = 0;
};

struct Answer {
  int status = 200;
  std::string_view type = "text/plain";
  std::string text;
  std::unique_ptr<Parts> parts;  // instead of the text
  std::string_view header = {};  // one line more of the head, without its end
};

// A request that acts. Views that are valid while it is answered.
struct ActRequest {
  std::string_view method, path;
  std::string_view authorization;  // the header of that name
  std::string_view body;
};

// What there is to read.
class Site {
 public:
  virtual ~Site() = default;
  // `query` is what follows a "?". May throw: the connection is closed then.
  virtual Answer get(std::string_view path, std::string_view query) = 0;
  // Whether requests for that path act, whatever their method is.
  virtual bool acts_at(std::string_view /*path*/) const noexcept { return false; }
  virtual Answer act(const ActRequest&) { return {}; }
};

class HttpProtocol final : public Protocol {
 public:
  static constexpr std::size_t kMostHead = 8192;
  static constexpr std::size_t kMostBody = 16 * 1024;

  // `site` outlives all sessions.
  explicit HttpProtocol(Site& site) noexcept : site_(site) {}
  std::unique_ptr<Session> open() noexcept override;

 private:
  Site& site_;
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_SERVE_HTTP_H_
