#include "net/transfers.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace leastwise::net {
namespace {

constexpr long kConnectTimeoutMs = 5000;
constexpr long kKeepaliveIdleS = 10, kKeepaliveIntervalS = 5;
constexpr std::size_t kMostErrorBody = 64 * 1024;  // of an answer to a stream that is no 200

long ms_of(Duration d) {
  return static_cast<long>(std::chrono::duration_cast<std::chrono::milliseconds>(d).count());
}

curl_blob blob_of(std::string& text) {
  return {.data = text.data(), .len = text.size(), .flags = CURL_BLOB_COPY};
}

}  // namespace

std::string escaped(std::string_view text) {
  char* const made = ::curl_easy_escape(nullptr, text.data(), static_cast<int>(text.size()));
  std::string out = made == nullptr ? "" : made;
  ::curl_free(made);
  return out;
}

struct Transfers::Multi {
  Multi() {
    static const CURLcode ready = ::curl_global_init(CURL_GLOBAL_DEFAULT);
    handle = ready == CURLE_OK ? ::curl_multi_init() : nullptr;
    if (handle == nullptr) throw std::runtime_error("libcurl could not be started");
  }
  ~Multi() { ::curl_multi_cleanup(handle); }
  Multi(const Multi&) = delete;
  Multi& operator=(const Multi&) = delete;

  CURLM* handle = nullptr;
};

struct Transfers::Transfer {
  Transfer(CURLM* owner, Request r, Done d, Data s)
      : multi(owner), request(std::move(r)), done(std::move(d)), data(std::move(s)) {
    handle = ::curl_easy_init();
    if (handle == nullptr) throw std::runtime_error("libcurl has no memory");
    for (const std::string& h : request.headers) list = ::curl_slist_append(list, h.c_str());
    set(CURLOPT_PRIVATE, this);
    set(CURLOPT_ERRORBUFFER, error.data());
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_WRITEFUNCTION, &Transfer::write);
    set(CURLOPT_WRITEDATA, this);
    if (data) {
      set(CURLOPT_HEADERFUNCTION, &Transfer::read_head);
      set(CURLOPT_HEADERDATA, this);
    }
    set_request();
    set_patience();
    set_tls();
    ::curl_multi_add_handle(multi, handle);
  }
  ~Transfer() {
    ::curl_multi_remove_handle(multi, handle);
    ::curl_easy_cleanup(handle);
    ::curl_slist_free_all(list);
  }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  template <typename Value>
  void set(CURLoption option, Value value) {
    ::curl_easy_setopt(handle, option, value);
  }

  void set_request() {
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_USERAGENT, "leastwise-companion");
    // Where a stream of HTTP/2 hangs, all that shares its connection does.
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    if (list != nullptr) set(CURLOPT_HTTPHEADER, list);
    if (request.method != "GET") set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    if (!request.body.empty()) {
      set(CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
      set(CURLOPT_POSTFIELDS, request.body.c_str());
    }
    if (request.unix_socket.empty()) return;
    set(CURLOPT_UNIX_SOCKET_PATH, request.unix_socket.c_str());
    set(CURLOPT_PROXY, "");  // whatever the environment says
  }

  void set_patience() {
    set(CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
    set(CURLOPT_TIMEOUT_MS, ms_of(request.timeout));
    // A peer that is gone without a word is found out though nothing is sent to it.
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    set(CURLOPT_TCP_KEEPIDLE, kKeepaliveIdleS);
    set(CURLOPT_TCP_KEEPINTVL, kKeepaliveIntervalS);
    if (request.silence <= Duration::zero()) return;
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, std::max(1L, ms_of(request.silence) / 1000));
  }

  void set_tls() {
    Tls& tls = request.tls;
    if (!tls.ca_file.empty()) set(CURLOPT_CAINFO, tls.ca_file.c_str());
    if (!tls.certificate_file.empty()) set(CURLOPT_SSLCERT, tls.certificate_file.c_str());
    if (!tls.key_file.empty()) set(CURLOPT_SSLKEY, tls.key_file.c_str());
    set_blob(CURLOPT_CAINFO_BLOB, tls.ca_text);
    set_blob(CURLOPT_SSLCERT_BLOB, tls.certificate_text);
    set_blob(CURLOPT_SSLKEY_BLOB, tls.key_text);
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (tls.is_verified) return;
    set(CURLOPT_SSL_VERIFYPEER, 0L);
    set(CURLOPT_SSL_VERIFYHOST, 0L);
  }

  void set_blob(CURLoption option, std::string& text) {
    if (text.empty()) return;
    curl_blob blob = blob_of(text);
    set(option, &blob);
  }

  int status() const {
    long code = 0;
    ::curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &code);
    return static_cast<int>(code);
  }

  // Fewer than came: libcurl ends the request.
  static std::size_t write(char* text, std::size_t size, std::size_t n, void* self) {
    auto& t = *static_cast<Transfer*>(self);
    const std::string_view piece(text, size * n);
    if (t.data && t.status() == 200) return t.data(piece) ? piece.size() : 0;
    const std::size_t most = t.data ? kMostErrorBody : t.request.most_bytes;
    if (t.answer.body.size() + piece.size() > most) {
      t.answer.error = "the answer is longer than " + std::to_string(most) + " bytes";
      return 0;
    }
    t.answer.body += piece;
    return piece.size();
  }

  // Line by line; an empty one is the last.
  static std::size_t read_head(char* text, std::size_t size, std::size_t n, void* self) {
    auto& t = *static_cast<Transfer*>(self);
    const std::string_view line(text, size * n);
    const bool is_end = line == "\r\n" || line == "\n";
    if (is_end && t.status() == 200 && !t.data({})) return 0;
    return size * n;
  }

  void end(CURLcode code) {
    answer.status = status();
    curl_off_t wait = 0;
    ::curl_easy_getinfo(handle, CURLINFO_RETRY_AFTER, &wait);
    if (wait > 0) answer.retry_after = std::chrono::seconds(std::min<curl_off_t>(wait, 3600));
    if (code == CURLE_OK || !answer.error.empty()) return;
    answer.error = reason_of(code);
  }

  // The same each time: libcurl's own words of these say after how many milliseconds.
  std::string reason_of(CURLcode code) const {
    const bool varies = code == CURLE_COULDNT_CONNECT || code == CURLE_OPERATION_TIMEDOUT;
    if (!varies && error[0] != '\0') return error.data();
    long os_error = 0;
    ::curl_easy_getinfo(handle, CURLINFO_OS_ERRNO, &os_error);
    std::string reason = ::curl_easy_strerror(code);
    if (code == CURLE_COULDNT_CONNECT && os_error != 0) {
      reason += ": ";
      reason += std::strerror(static_cast<int>(os_error));
    }
    return reason;
  }

  CURLM* multi;
  CURL* handle = nullptr;
  curl_slist* list = nullptr;
  Request request;
  Done done;
  Data data;
  Answer answer;
  std::array<char, CURL_ERROR_SIZE> error{};
};

Transfers::Transfers() : multi_(std::make_unique<Multi>()) {}
Transfers::~Transfers() = default;  // the transfers first: they are declared last

Transfers::Id Transfers::start(Request request, Done done, Data data) {
  transfers_.emplace(++last_, std::make_unique<Transfer>(multi_->handle, std::move(request),
                                                         std::move(done), std::move(data)));
  return last_;
}

void Transfers::cancel(Id id) { transfers_.erase(id); }

void Transfers::wait(Duration longest, std::span<pollfd> others) {
  std::vector<curl_waitfd> fds;
  for (const pollfd& fd : others) fds.push_back({.fd = fd.fd, .events = fd.events, .revents = 0});
  const auto ms = std::clamp(ms_of(longest), 0L, 60'000L);
  // What was just started has a timer of libcurl's that is due, so it does not wait.
  ::curl_multi_poll(multi_->handle, fds.data(), static_cast<unsigned>(fds.size()),
                    static_cast<int>(ms), nullptr);
  for (std::size_t i = 0; i < fds.size(); ++i) others[i].revents = fds[i].revents;
  int running = 0;
  ::curl_multi_perform(multi_->handle, &running);
  finish_all();
}

// What has ended leaves before it is told, so that whoever is told may do as he likes.
void Transfers::finish_all() {
  int left = 0;
  while (CURLMsg* message = ::curl_multi_info_read(multi_->handle, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    Transfer* found = nullptr;
    ::curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &found);
    const auto at = std::ranges::find_if(
        transfers_, [&](const auto& entry) { return entry.second.get() == found; });
    if (at == transfers_.end()) continue;
    const std::unique_ptr<Transfer> transfer = std::move(at->second);
    transfers_.erase(at);
    transfer->end(message->data.result);
    if (transfer->done) transfer->done(transfer->answer);
  }
}

}  // namespace leastwise::net
