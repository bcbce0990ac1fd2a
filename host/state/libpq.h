// state: PostgreSQL's client library, loaded when it is first needed. It brings
// twenty libraries along (GnuTLS, Kerberos, LDAP), 3 MiB in the memory of a server
// that may never speak to a PostgreSQL.
#pragma once

#include <libpq-fe.h>

#include "base/result.h"

namespace acp::state {

#define ACP_LIBPQ_FUNCTIONS(X)                                                                                                           \
    X(PQclear)                                                                                                                           \
    X(PQconnectPoll)                                                                                                                     \
    X(PQconnectStartParams) X(PQconninfoFree) X(PQconninfoParse) X(PQconsumeInput) X(PQerrorMessage) X(PQfinish) X(PQflush) X(PQfreemem) \
        X(PQgetlength) X(PQgetResult) X(PQgetvalue) X(PQisBusy) X(PQntuples) X(PQresultErrorField) X(PQresultStatus) X(PQsendQuery)      \
            X(PQsendQueryParams) X(PQsetnonblocking) X(PQsetNoticeReceiver) X(PQsocket) X(PQstatus)

struct Libpq {
#define ACP_MEMBER(name) decltype(&::name) name = nullptr;
    ACP_LIBPQ_FUNCTIONS(ACP_MEMBER)
#undef ACP_MEMBER
};

/// The error says what to install. Once it succeeded, it always does. [any-thread]
Result<void> load_libpq();
/// Only after load_libpq() has succeeded.
const Libpq& pq() noexcept;

template <auto Member>
struct FreeByLibpq {
    template <typename T>
    void operator()(T* pointer) const noexcept {
        (pq().*Member)(pointer);
    }
};

}  // namespace acp::state
