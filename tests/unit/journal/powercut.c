#include "powercut.h"

#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// A write, or (data == NULL) a truncation to offset.
struct change {
	sqlite3_int64 offset;
	uint8_t *data;
	size_t length;
};

struct image {
	bool durable; // it would be there after a cut
	uint8_t *data;
	size_t length;
	struct change *changes; // since the last sync
	size_t count;
};

enum { IMAGES = 3 };
static const char *const suffixes[IMAGES] = {"", "-wal", "-journal"};

static struct image images[IMAGES];
static char watched[4096];
static sqlite3_vfs shim;
static sqlite3_vfs *real_vfs;
static void (*each)(void *ctx);
static void *each_ctx;

struct shim_file {
	sqlite3_file base;
	struct image *image; // NULL: not watched
};

static sqlite3_file *real(sqlite3_file *file)
{
	return (sqlite3_file *)((struct shim_file *)file + 1);
}

static struct image *image_of(const char *name)
{
	size_t n = strlen(watched);
	if (name == NULL || n == 0 || strncmp(name, watched, n) != 0)
		return NULL;
	for (int i = 0; i < IMAGES; i++)
		if (strcmp(name + n, suffixes[i]) == 0)
			return &images[i];
	return NULL;
}

static void apply(struct image *image, const struct change *change)
{
	size_t end = (size_t)change->offset + change->length;
	if (end > image->length || change->data == NULL) {
		image->data = realloc(image->data, end + 1);
		if (end > image->length)
			memset(image->data + image->length, 0, end - image->length);
		image->length = end;
	}
	if (change->data != NULL)
		memcpy(image->data + change->offset, change->data, change->length);
}

static void forget(struct image *image)
{
	for (size_t i = 0; i < image->count; i++)
		free(image->changes[i].data);
	free(image->changes);
	image->changes = NULL;
	image->count = 0;
}

static void notice(struct image *image, sqlite3_int64 offset, const void *data, size_t length)
{
	if (image == NULL)
		return;
	if (each != NULL)
		each(each_ctx);
	image->changes = realloc(image->changes, (image->count + 1) * sizeof *image->changes);
	struct change *change = &image->changes[image->count++];
	*change = (struct change){.offset = offset, .length = length};
	if (data != NULL) {
		change->data = malloc(length);
		memcpy(change->data, data, length);
	}
}

static int shim_close(sqlite3_file *file)
{
	return real(file)->pMethods->xClose(real(file));
}

static int shim_read(sqlite3_file *file, void *data, int n, sqlite3_int64 offset)
{
	return real(file)->pMethods->xRead(real(file), data, n, offset);
}

static int shim_write(sqlite3_file *file, const void *data, int n, sqlite3_int64 offset)
{
	notice(((struct shim_file *)file)->image, offset, data, (size_t)n);
	return real(file)->pMethods->xWrite(real(file), data, n, offset);
}

static int shim_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	notice(((struct shim_file *)file)->image, size, NULL, 0);
	return real(file)->pMethods->xTruncate(real(file), size);
}

static int shim_sync(sqlite3_file *file, int flags)
{
	struct image *image = ((struct shim_file *)file)->image;
	if (image != NULL) {
		if (each != NULL)
			each(each_ctx);
		for (size_t i = 0; i < image->count; i++)
			apply(image, &image->changes[i]);
		forget(image);
		image->durable = true;
	}
	return real(file)->pMethods->xSync(real(file), flags);
}

static int shim_size(sqlite3_file *file, sqlite3_int64 *size)
{
	return real(file)->pMethods->xFileSize(real(file), size);
}

static int shim_lock(sqlite3_file *file, int level)
{
	return real(file)->pMethods->xLock(real(file), level);
}

static int shim_unlock(sqlite3_file *file, int level)
{
	return real(file)->pMethods->xUnlock(real(file), level);
}

static int shim_reserved(sqlite3_file *file, int *result)
{
	return real(file)->pMethods->xCheckReservedLock(real(file), result);
}

static int shim_control(sqlite3_file *file, int op, void *arg)
{
	return real(file)->pMethods->xFileControl(real(file), op, arg);
}

static int shim_sector(sqlite3_file *file)
{
	return real(file)->pMethods->xSectorSize(real(file));
}

static int shim_characteristics(sqlite3_file *file)
{
	(void)file;
	return 0; // promise nothing
}

static int shim_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **map)
{
	return real(file)->pMethods->xShmMap(real(file), page, size, extend, map);
}

static int shim_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	return real(file)->pMethods->xShmLock(real(file), offset, n, flags);
}

static void shim_shm_barrier(sqlite3_file *file)
{
	real(file)->pMethods->xShmBarrier(real(file));
}

static int shim_shm_unmap(sqlite3_file *file, int unlink_it)
{
	return real(file)->pMethods->xShmUnmap(real(file), unlink_it);
}

static const sqlite3_io_methods methods = {
        .iVersion = 2,
        .xClose = shim_close,
        .xRead = shim_read,
        .xWrite = shim_write,
        .xTruncate = shim_truncate,
        .xSync = shim_sync,
        .xFileSize = shim_size,
        .xLock = shim_lock,
        .xUnlock = shim_unlock,
        .xCheckReservedLock = shim_reserved,
        .xFileControl = shim_control,
        .xSectorSize = shim_sector,
        .xDeviceCharacteristics = shim_characteristics,
        .xShmMap = shim_shm_map,
        .xShmLock = shim_shm_lock,
        .xShmBarrier = shim_shm_barrier,
        .xShmUnmap = shim_shm_unmap,
};

static int shim_open(
        sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
	(void)vfs;
	struct shim_file *shim_file = (struct shim_file *)file;
	shim_file->base.pMethods = NULL;
	shim_file->image = image_of(name);
	int code = real_vfs->xOpen(real_vfs, name, real(file), flags, out_flags);
	if (code == SQLITE_OK)
		shim_file->base.pMethods = &methods;
	return code;
}

static int shim_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
	(void)vfs;
	struct image *image = image_of(name);
	if (image != NULL) {
		forget(image);
		image->durable = false;
		image->length = 0;
	}
	return real_vfs->xDelete(real_vfs, name, sync_folder);
}

void powercut_start(const char *path)
{
	snprintf(watched, sizeof watched, "%s", path);
	real_vfs = sqlite3_vfs_find("unix");
	shim = *real_vfs;
	shim.zName = "powercut";
	shim.pNext = NULL;
	shim.szOsFile = (int)sizeof(struct shim_file) + real_vfs->szOsFile;
	shim.xOpen = shim_open;
	shim.xDelete = shim_delete;
	sqlite3_vfs_register(&shim, 1);
}

void powercut_stop(void)
{
	sqlite3_vfs_unregister(&shim);
	for (int i = 0; i < IMAGES; i++) {
		forget(&images[i]);
		free(images[i].data);
		images[i] = (struct image){0};
	}
	watched[0] = '\0';
	each = NULL;
}

void powercut_each(void (*callback)(void *ctx), void *ctx)
{
	each = callback;
	each_ctx = ctx;
}

static void write_image(const struct image *image, const char *path, const struct random *random)
{
	struct image cut = {.data = malloc(image->length + 1), .length = image->length};
	if (image->length > 0)
		memcpy(cut.data, image->data, image->length);
	for (size_t i = 0; random != NULL && i < image->count; i++)
		if (random_below(random, 2) == 0)
			apply(&cut, &image->changes[i]);
	FILE *file = fopen(path, "w");
	if (file == NULL || fwrite(cut.data, 1, cut.length, file) != cut.length ||
	        fclose(file) != 0)
		abort();
	free(cut.data);
}

void powercut_image(const char *to_path, const struct random *random)
{
	for (int i = 0; i < IMAGES; i++) {
		char path[4096];
		snprintf(path, sizeof path, "%s%s", to_path, suffixes[i]);
		unlink(path);
		if (images[i].durable)
			write_image(&images[i], path, random);
	}
}
