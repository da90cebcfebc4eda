import java.util.List;
import java.util.Map;

/** What a library does of what remote.py tells: M is its model, or a row; T its transaction. */
interface Client<M, T> {
    interface Work<T> {
        void in(T transaction) throws Exception;
    }

    M read(long id) throws Exception;

    /** The columns, as the library read them. */
    Map<String, Object> values(M model);

    M save(M model, Map<String, String> changes) throws Exception;

    void insertMany(List<Map<String, String>> rows) throws Exception;

    void updateMany(List<Long> ids, String status) throws Exception;

    void upsert(Map<String, String> row) throws Exception;

    /** version: as the library read it, or a text. */
    Map<String, Object> call(long id, Object version, String status, String comment, String author, T transaction)
            throws Exception;

    void transaction(Work<T> work) throws Exception;

    /** What a library's own tests tell. */
    default Map<String, Object> own(String what, Map<String, Object> arguments) throws Exception {
        throw new UnsupportedOperationException(what);
    }
}
